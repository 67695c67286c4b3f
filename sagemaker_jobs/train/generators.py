"""State of torch's random generators in all processes, for checkpoints."""

import torch
from torch import Tensor

from sagemaker_jobs.train.distributed import World

_CPU, _CUDA = "rng.cpu", "rng.cuda"


def generator_states(world: World) -> dict[str, Tensor]:
    """The states by kind, a row per process; every process must call it."""
    own = torch.get_rng_state()
    states = {_CPU: world.gather_rows(own[None], world.size)}
    if world.device.type == "cuda":
        own = torch.cuda.get_rng_state(world.device)
        states[_CUDA] = world.gather_rows(own[None], world.size)
    return states


def restore_generators(world: World, tensors: dict[str, Tensor]) -> None:
    """Restore this process's generators from a checkpoint; an added process keeps its own."""
    if world.rank >= len(tensors[_CPU]):
        return
    # a clone: set_rng_state always reads from the start of the storage
    torch.set_rng_state(tensors[_CPU][world.rank].clone())
    if _CUDA in tensors and world.device.type == "cuda":
        torch.cuda.set_rng_state(tensors[_CUDA][world.rank].clone(), world.device)
