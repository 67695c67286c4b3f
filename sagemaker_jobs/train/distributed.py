"""One run over several processes: each takes its part of every batch.

Torchrun starts the processes and names their ranks in the environment; without it there is one.
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
"""How long a process waits for the others before it gives the run up."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class World:
    """Which of the processes this one is, and where and how it computes."""

    device: torch.device
    bf16: bool
    rank: int = 0
    size: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process writes files and log lines."""
        return self.rank == 0

    def part(self, items: Sequence[Item]) -> Sequence[Item]:
        """This process's share: every size-th, so that sorted lengths spread evenly."""
        return items[self.rank :: self.size]

    def whole(self, part: Tensor, count: int) -> Tensor:
        """All ``count`` rows (n, …) of which every process has its part; no gradient passes."""
        if self.size == 1:
            return part
        found = torch.zeros(count, *part.shape[1:], dtype=part.dtype, device=self.device)
        found[self.rank :: self.size] = part.detach().to(self.device)
        dist.all_reduce(found)
        return found.to(part.device)

    def summed(self, values: Sequence[float]) -> list[float]:
        """The sums over all processes, in double precision."""
        if self.size == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        found: list[float] = total.tolist()
        return found

    def all_have(self, have: bool) -> bool:  # noqa: FBT001 - the one thing asked
        """Whether it is so in every process."""
        return self.summed([float(have)]) == [float(self.size)]

    def autocast(self, *, exact: bool = False) -> AbstractContextManager[None]:
        """bfloat16 where this run uses it, and none where a pass must be ``exact``."""
        context: AbstractContextManager[None] = torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.bf16 and not exact
        )
        return context


def join(config: TrainConfig) -> World:
    """This process's place; where torchrun started several, all are connected after it.

    Raises:
        ValueError: ``device`` is not there.
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
    # a warning, for every process is to say it: an operator knows which one is gone
    log.warning("process %d of %d: pid %d on %s", rank, size, os.getpid(), device)
    return World(device, bf16, rank, size)


def leave() -> None:
    """Part from the other processes, if there are any."""
    if dist.is_initialized():
        dist.destroy_process_group()


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu":
        return torch.device("cpu")
    index = int(os.environ.get("LOCAL_RANK", "0"))
    if index >= torch.cuda.device_count():
        msg = f"device cuda: process {index} of this host finds {torch.cuda.device_count()} GPUs"
        raise ValueError(msg)
    return torch.device("cuda", index)


def _has_bf16(device: torch.device) -> bool:
    """Whether products in bfloat16 are the hardware's own here; emulated ones are slower."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))
