"""The training loop: steps, validations, checkpoints."""

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
from sagemaker_jobs.train.early_stopping import EarlyStopping
from sagemaker_jobs.train.encoder import ReviewEncoder
from sagemaker_jobs.train.generators import generator_states, restore_generators
from sagemaker_jobs.train.losses import BatchLoss, class_weights
from sagemaker_jobs.train.metrics import Metrics
from sagemaker_jobs.train.optimisation import Optimisation
from sagemaker_jobs.train.passes import ValidationSet, validate
from sagemaker_jobs.train.sampling import Sampler

log = logging.getLogger("train")
TERMINATED = 128 + signal.SIGTERM


class Interrupted(SystemExit):
    """The run received SIGTERM, stopped between two steps, and can be resumed."""


class _TrainingPass(nn.Module):
    """The trained outputs as one module: DistributedDataParallel only handles forward passes."""

    def __init__(self, model: ReviewEncoder, *, distils: bool) -> None:
        super().__init__()
        self.model, self._distils = model, distils

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings (b, d) and deep logits (b, 3)."""
        pooled, logits = self.model.deep(ids, mask)
        return (self.model.embedding(pooled) if self._distils else pooled), logits


class Loop:
    """One training run, from its start or a checkpoint to its end.

    Args:
        model: Trained in place; on the device of ``world``.
        teacher: (n, d) unit embeddings of the base encoder, or None without distillation.
        sampler: The n training rows in batches.
        validation: Validation texts and labels.
        config: The run's parameters.
        world: The processes of the run.
        identity: Parameters and hashes of the data, which a checkpoint must match.
    """

    def __init__(
        self,
        model: ReviewEncoder,
        teacher: Tensor | None,
        sampler: Sampler,
        validation: ValidationSet,
        config: TrainConfig,
        world: World,
        identity: dict[str, Any],
    ) -> None:
        self._model, self._teacher, self._sampler = model, teacher, sampler
        self._validation, self._config = validation, config
        self._world, self._identity = world, identity
        self._labels = torch.tensor(sampler.labels, device=world.device)
        weights = class_weights(self._labels, config)
        self._loss = BatchLoss(config, world, weights)
        model.projection.requires_grad_(config.distils)
        self._pass: nn.Module = _TrainingPass(model, distils=config.distils)
        if world.size > 1:
            self._pass = DistributedDataParallel(self._pass, broadcast_buffers=False)
        self._steps = config.epochs * sampler.batches_per_epoch
        self._optimisation = Optimisation(model, config, self._steps)
        self._stopping = EarlyStopping(model, config.patience)
        self._metrics: Metrics | None = None
        self._step = 0
        self._terminated = False

    def run(self) -> dict[str, Any]:
        """Train to the end; returns the entries of run.json on the training.

        Raises:
            Interrupted: SIGTERM was received; a checkpoint is written if configured.
            CheckpointError: the checkpoint found belongs to another run.
            FloatingPointError: a loss is not finite.
        """
        config = self._config
        if self._world.is_writer:
            path = config.output_dir / "logs" / "train_metrics.jsonl"
            self._metrics = Metrics(path, config.epochs, self._steps, config.log_steps)
        self._resume()
        try:
            with self._on_sigterm():
                while self._step < self._steps and not self._stopping.stopped:
                    self._train_step()
                    self._validate_if_due()
                    self._save_if_due()
        finally:
            if self._metrics:
                self._metrics.close()
        self._stopping.restore_best_weights()
        return {
            "steps": self._step,
            "stopped_early": self._stopping.stopped,
            "best_validation_macro_f1": self._stopping.best_macro_f1 if config.patience else None,
        }

    def _train_step(self) -> None:
        batch = self._sampler.next()
        own = list(self._world.local_part(batch))
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
            own_teacher = self._teacher[own_rows].to(device)
            cosine, matrix = self._loss.similarity(embedding[:count].float(), own_teacher, teacher)
        # DistributedDataParallel divides by the number of processes; these are parts of one sum
        ((sentiment + cosine + matrix) * self._world.size).backward()
        self._optimisation.step()
        self._step += 1
        self._record_losses(sentiment.item(), cosine.item(), matrix.item())

    def _record_losses(self, sentiment: float, cosine: float, matrix: float) -> None:
        """Sum the losses, and whether SIGTERM was received, over the processes."""
        sums = self._world.sum_values([sentiment, cosine, float(self._terminated)])
        self._terminated = sums[2] > 0
        losses = {"sentiment": sums[0], "similarity": sums[1] + matrix}
        if not all(map(isfinite, losses.values())):
            raise FloatingPointError(
                f"the loss is not finite at step {self._step}: lower learning_rate"
            )
        if self._metrics:
            ended = self._is_epoch_end()
            self._metrics.add(self._sampler.epoch, self._step, losses, ended=ended)

    def _is_epoch_end(self) -> bool:
        return self._step == (self._sampler.epoch + 1) * self._sampler.batches_per_epoch

    def _validate_if_due(self) -> None:
        batches, ended = self._sampler.batches_per_epoch, self._is_epoch_end()
        epoch = self._sampler.epoch
        done = self._step - epoch * batches
        share = self._config.evaluate_every
        if not ended and int(done / batches / share) == int((done - 1) / batches / share):
            return
        figures = validate(self._model, self._validation, self._world)
        if self._metrics:
            self._metrics.write("validation", epoch, self._step, figures)
            if ended:
                self._metrics.write("epoch", epoch, self._step, figures)
        self._stopping.update(figures["validation_macro_f1"])

    def _save_if_due(self) -> None:
        """Write a checkpoint if one is due; end the run after SIGTERM."""
        ended = self._step == self._steps or self._stopping.stopped
        due = ended or self._terminated or self._step % self._config.checkpoint_steps == 0
        folder = self._config.checkpoint_dir
        if due and folder is not None:
            tensors, state = self._state()
            if self._world.is_writer:
                checkpoint.save(folder, self._step, tensors, state)
        if self._terminated and not ended:
            log.info("SIGTERM: stops after step %d of %d", self._step, self._steps)
            raise Interrupted(TERMINATED)

    def _state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and JSON of a checkpoint; every process must call it."""
        best = self._stopping.best_weights
        tensors = {
            **{f"model.{name}": tensor for name, tensor in self._model.state_dict().items()},
            **{f"best.{name}": tensor for name, tensor in best.items()},
            **self._optimisation.tensors(),
            **generator_states(self._world),
        }
        state = {
            "identity": self._identity,
            "step": self._step,
            **self._stopping.state(),
            "sampler": self._sampler.state(),
            "schedule": self._optimisation.schedule_state(),
            "metrics": self._metrics.state() if self._metrics else None,
        }
        return tensors, state

    def _resume(self) -> None:
        folder = self._config.checkpoint_dir
        latest = None if folder is None else checkpoint.latest(folder)
        step = 0 if latest is None else int(latest.state["step"])
        if self._world.sum_values([step]) != [step * self._world.size]:
            raise checkpoint.CheckpointError(
                f"the processes find different checkpoints in {folder}: all hosts must share it"
            )
        if latest is None:
            return
        checkpoint.require_same_run(latest, self._identity)
        tensors, state = latest.tensors, latest.state
        self._model.load_state_dict(_with_prefix("model.", tensors))
        self._stopping.restore(state, _with_prefix("best.", tensors))
        self._optimisation.restore(tensors, state["schedule"])
        self._sampler.restore(state["sampler"])
        self._step = step
        restore_generators(self._world, tensors)
        if self._metrics:
            self._metrics.restore(state["metrics"], step)
        log.info("resumes from %s, step %d of %d", latest.path.name, step, self._steps)

    @contextmanager
    def _on_sigterm(self) -> Iterator[None]:
        """Within the body, SIGTERM ends the run after the current step."""

        def terminate(*_: object) -> None:
            self._terminated = True

        previous = signal.signal(signal.SIGTERM, terminate)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, previous)


def _with_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names have a prefix, under the rest of their names."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
