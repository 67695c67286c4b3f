"""The training loop: steps, looks at validation, checkpoints."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from sagemaker_jobs.train import checkpoint
from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.config import TrainConfig
from sagemaker_jobs.train.distributed import World
from sagemaker_jobs.train.losses import BatchLoss, class_weights
from sagemaker_jobs.train.metrics import Metrics
from sagemaker_jobs.train.model import ReviewEncoder
from sagemaker_jobs.train.optimisation import Optimisation
from sagemaker_jobs.train.passes import Held, validate
from sagemaker_jobs.train.sampling import Sampler

log = logging.getLogger("train")
TERMINATED = 128 + signal.SIGTERM


class Interrupted(SystemExit):
    """SIGTERM came: the run has stopped between two steps and can go on."""


class _Pass(nn.Module):
    """What is trained, as one module: DistributedDataParallel sees a forward pass alone."""

    def __init__(self, model: ReviewEncoder, *, distils: bool) -> None:
        super().__init__()
        self.model, self._distils = model, distils

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings (b, d) and deep logits (b, 3)."""
        pooled, logits = self.model.deep(ids, mask)
        return (self.model.embedding(pooled) if self._distils else pooled), logits


class Loop:
    """One training run, from its start or from a checkpoint to its end.

    Args:
        model: Trained in place; on the device of ``world``.
        teacher: (n, d) unit embeddings of the base encoder, or None without distillation.
        sampler: The n training rows in their batches.
        held: Validation.
        config: The run's parameters.
        world: This process's place among those of the run.
        identity: What a checkpoint must agree with: parameters and hashes of the data.
    """

    def __init__(
        self,
        model: ReviewEncoder,
        teacher: Tensor | None,
        sampler: Sampler,
        held: Held,
        config: TrainConfig,
        world: World,
        identity: dict[str, Any],
    ) -> None:
        self._model, self._teacher, self._sampler, self._held = model, teacher, sampler, held
        self._config, self._world, self._identity = config, world, identity
        self._labels = torch.tensor(sampler.labels, device=world.device)
        weights = class_weights(self._labels, config)
        self._loss = BatchLoss(config, world, weights)
        model.projection.requires_grad_(config.distils)
        self._pass: nn.Module = _Pass(model, distils=config.distils)
        if world.size > 1:
            self._pass = DistributedDataParallel(self._pass, broadcast_buffers=False)
        self._steps = config.epochs * sampler.batches_per_epoch
        self._optimisation = Optimisation(model, config, self._steps)
        self._metrics: Metrics | None = None
        self._step = self._waited = 0
        self._best_f1 = -1.0
        self._best: dict[str, Tensor] = {}
        self._stopped = False
        self._terminated = False

    def run(self) -> dict[str, Any]:
        """Train to the end; returns what run.json says of it.

        Raises:
            Interrupted: SIGTERM came; what can be gone on from is written.
            CheckpointError: the checkpoint found is of another run.
            FloatingPointError: a loss is not finite.
        """
        config = self._config
        if self._world.writes:
            path = config.output_dir / "logs" / "train_metrics.jsonl"
            self._metrics = Metrics(path, config.epochs, self._steps, config.log_steps)
        self._resume()
        try:
            with self._on_sigterm():
                while self._step < self._steps and not self._stopped:
                    self._one_step()
                    self._look()
                    self._keep()
        finally:
            if self._metrics:
                self._metrics.close()
        if self._best:
            self._model.load_state_dict(self._best, strict=False)
        return {
            "steps": self._step,
            "stopped_early": self._stopped,
            "best_validation_macro_f1": self._best_f1 if config.patience else None,
        }

    def _one_step(self) -> None:
        batch = self._sampler.next()
        own = list(self._world.part(batch))
        rows, own_rows = [row for row, _ in batch], [row for row, _ in own]
        ids, mask = reviews.pad([tokens for _, tokens in own or batch[:1]])
        device, count = self._world.device, len(own)
        self._model.train()
        with self._world.autocast():
            embedding, logits = self._pass(ids.to(device), mask.to(device))
        labels = self._labels
        sentiment = self._loss.sentiment(logits[:count].float(), labels[own_rows], labels[rows])
        cosine = matrix = torch.zeros((), device=device)
        if self._teacher is not None:
            teacher = self._teacher[rows].to(device)
            near = self._teacher[own_rows].to(device)
            cosine, matrix = self._loss.similarity(embedding[:count].float(), near, teacher)
        # DistributedDataParallel divides by the processes; these are parts of one sum
        ((sentiment + cosine + matrix) * self._world.size).backward()
        self._optimisation.step()
        self._step += 1
        self._count(sentiment.item(), cosine.item(), matrix.item())

    def _count(self, sentiment: float, cosine: float, matrix: float) -> None:
        """Add the processes' parts up; whether any of them is to end goes along."""
        parts = self._world.summed([sentiment, cosine, float(self._terminated)])
        self._terminated = parts[2] > 0
        losses = {"sentiment": parts[0], "similarity": parts[1] + matrix}
        if not all(map(isfinite, losses.values())):
            msg = f"the loss is not finite at step {self._step}: lower learning_rate"
            raise FloatingPointError(msg)
        if self._metrics:
            self._metrics.add(self._sampler.epoch, self._step, losses, ended=self._ended())

    def _ended(self) -> bool:
        """Whether this step was its epoch's last."""
        return self._step == (self._sampler.epoch + 1) * self._sampler.batches_per_epoch

    def _look(self) -> None:
        """Look at validation where that is due, and keep the best weights."""
        batches, ended = self._sampler.batches_per_epoch, self._ended()
        done = self._step - self._sampler.epoch * batches
        every = self._config.evaluate_every
        if not ended and int(done / batches / every) == int((done - 1) / batches / every):
            return
        found = validate(self._model, self._held, self._world)
        epoch = self._sampler.epoch
        if self._metrics:
            self._metrics.write("validation", epoch, self._step, found)
            if ended:
                self._metrics.write("epoch", epoch, self._step, found)
        if not self._config.patience:
            return
        if found["validation_macro_f1"] > self._best_f1:
            self._best_f1, self._waited = found["validation_macro_f1"], 0
            self._best = {
                name: parameter.detach().cpu().clone()
                for name, parameter in self._model.named_parameters()
                if parameter.requires_grad
            }
        else:
            self._waited += 1
            self._stopped = self._waited >= self._config.patience
            if self._stopped:
                log.info("no better macro-F1 in %d looks: the best weights stay", self._waited)

    def _keep(self) -> None:
        """Write a checkpoint where one is due; end where SIGTERM asked for it."""
        ended = self._step == self._steps or self._stopped
        due = ended or self._terminated or self._step % self._config.checkpoint_steps == 0
        folder = self._config.checkpoint_dir
        if due and folder is not None:
            tensors, state = self._state()
            if self._world.writes:
                checkpoint.save(folder, self._step, tensors, state)
        if self._terminated and not ended:
            log.info("SIGTERM: ends after step %d of %d", self._step, self._steps)
            raise Interrupted(TERMINATED)

    def _state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All of the run; every process must call it, for each has a generator of its own."""
        own = torch.get_rng_state()
        generators = {"rng.cpu": self._world.whole(own[None], self._world.size)}
        if self._world.device.type == "cuda":
            own = torch.cuda.get_rng_state(self._world.device)
            generators["rng.cuda"] = self._world.whole(own[None], self._world.size)
        tensors = {
            **{f"model.{name}": tensor for name, tensor in self._model.state_dict().items()},
            **{f"best.{name}": tensor for name, tensor in self._best.items()},
            **self._optimisation.tensors(),
            **generators,
        }
        state = {
            "identity": self._identity,
            "step": self._step,
            "best_f1": self._best_f1,
            "waited": self._waited,
            "stopped": self._stopped,
            "sampler": self._sampler.state(),
            "schedule": self._optimisation.schedule_state(),
            "metrics": self._metrics.state() if self._metrics else None,
        }
        return tensors, state

    def _resume(self) -> None:
        folder = self._config.checkpoint_dir
        found = None if folder is None else checkpoint.latest(folder)
        step = 0 if found is None else int(found.state["step"])
        if self._world.summed([step]) != [step * self._world.size]:
            msg = f"the processes find different checkpoints in {folder}: all hosts must share it"
            raise checkpoint.CheckpointError(msg)
        if found is None:
            return
        checkpoint.refuse_another_run(found, self._identity)
        tensors, state = found.tensors, found.state
        self._model.load_state_dict(_under("model.", tensors))
        self._best = _under("best.", tensors)
        self._optimisation.restore(tensors, state["schedule"])
        self._sampler.restore(state["sampler"])
        self._step, self._waited = step, state["waited"]
        self._best_f1, self._stopped = state["best_f1"], state["stopped"]
        rank = self._world.rank
        if rank < len(tensors["rng.cpu"]):
            # a clone, for a generator reads from where the storage begins, whatever the row
            torch.set_rng_state(tensors["rng.cpu"][rank].clone())
            if "rng.cuda" in tensors and self._world.device.type == "cuda":
                torch.cuda.set_rng_state(tensors["rng.cuda"][rank].clone(), self._world.device)
        if self._metrics:
            self._metrics.restore(state["metrics"], step)
        log.info("goes on from %s, step %d of %d", found.path.name, step, self._steps)

    @contextmanager
    def _on_sigterm(self) -> Iterator[None]:
        """SIGTERM ends the run after the step that it comes in."""

        def ask(*_: object) -> None:
            self._terminated = True

        before = signal.signal(signal.SIGTERM, ask)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin so, by the rest of their names."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
