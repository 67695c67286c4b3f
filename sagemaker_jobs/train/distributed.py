"""One run in several processes: each takes a part of every batch.

torchrun starts the processes and sets their ranks in the environment; without it there is one.
"""

import logging
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from sagemaker_jobs.train.config import TrainConfig

log = logging.getLogger("train")
TIMEOUT = timedelta(minutes=10)
"""Time after which a process stops waiting for the others and fails."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class World:
    """Rank of this process, number of processes, device and precision."""

    device: torch.device
    bf16: bool
    rank: int = 0
    size: int = 1

    @property
    def is_writer(self) -> bool:
        """Whether this process writes files and log lines."""
        return self.rank == 0

    def local_part(self, items: Sequence[Item]) -> Sequence[Item]:
        """This process's share: every size-th item, so that sorted lengths spread evenly."""
        return items[self.rank :: self.size]

    def gather_rows(self, part: Tensor, count: int) -> Tensor:
        """Gather all ``count`` rows (n, …) from the parts of the processes, without gradients."""
        if self.size == 1:
            return part
        rows = torch.zeros(count, *part.shape[1:], dtype=part.dtype, device=self.device)
        rows[self.rank :: self.size] = part.detach().to(self.device)
        dist.all_reduce(rows)
        return rows.to(part.device)

    def sum_values(self, values: Sequence[float]) -> list[float]:
        """The sums over all processes, in double precision."""
        if self.size == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        sums: list[float] = total.tolist()
        return sums

    def all_true(self, value: bool) -> bool:  # noqa: FBT001 - its only argument
        """Whether the value is true in every process."""
        return self.sum_values([float(value)]) == [float(self.size)]

    def autocast(self, *, exact: bool = False) -> AbstractContextManager[None]:
        """A context with bfloat16 if this run uses it; float32 if ``exact``."""
        context: AbstractContextManager[None] = torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.bf16 and not exact
        )
        return context


def connect(config: TrainConfig) -> World:
    """Connect the processes that torchrun started, if any; returns this one's world.

    Raises:
        ValueError: ``device`` is not available.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    device = _device(config.device)
    bf16 = _has_bf16(device) if config.precision == "auto" else config.precision == "bf16"
    if size == 1:
        return World(device, bf16)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=TIMEOUT)
    rank = dist.get_rank()
    # a warning, so that every process logs it: operators can tell which one is gone
    log.warning("process %d of %d: pid %d on %s", rank, size, os.getpid(), device)
    return World(device, bf16, rank, size)


def disconnect() -> None:
    """Disconnect from the other processes, if any."""
    if dist.is_initialized():
        dist.destroy_process_group()


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
        gpus = int(os.environ.get("SM_NUM_GPUS") or 0)
        if gpus and name == "cpu":
            raise ValueError(
                f"device auto: this host has {gpus} GPUs, but torch {torch.__version__} cannot use "
                f"them: its CUDA {torch.version.cuda} needs a newer driver (see TORCH_INDEX in "
                "sagemaker_jobs/Dockerfile); device cpu trains without them"
            )
    if name == "cpu":
        return torch.device("cpu")
    index = int(os.environ.get("LOCAL_RANK", "0"))
    if index >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise ValueError(f"device cuda: process {index} of this host finds {count} GPUs")
    return torch.device("cuda", index)


def _has_bf16(device: torch.device) -> bool:
    """Whether the hardware supports bfloat16 products; emulated ones are slower."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
