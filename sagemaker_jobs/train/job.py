"""The training run: two tasks in one loss, then calibration on validation."""

import json
import logging
import platform
import random
import subprocess
import time
from collections.abc import Sequence
from importlib.metadata import version
from math import floor
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.calibrate import fit_calibration, fold_into_head
from sagemaker_jobs.train.config import TrainConfig
from sagemaker_jobs.train.model import (
    ReviewEncoder,
    base_folder,
    load_model,
    new_model,
    save_model,
)
from sagemaker_jobs.train.project import refit_projection

log = logging.getLogger("train")
LOG_EVERY = 50


@torch.no_grad()
def deep_outputs(
    model: ReviewEncoder, ids: Sequence[Sequence[int]], size: int = 32, *, exact: bool = False
) -> tuple[Tensor, Tensor]:
    """Pooled vectors (n, d) and deep logits (n, 3) of texts; in bfloat16 unless ``exact``."""
    model.eval()
    with torch.autocast("cpu", torch.bfloat16, enabled=not exact):
        pooled, logits = reviews.over_batches(ids, size, model.deep)
    return pooled, logits


def served_ids(tokenizer: Tokenizer, texts: Sequence[str], config: TrainConfig) -> list[list[int]]:
    """Token ids as serving reads them."""
    return reviews.tokenise(tokenizer, texts, config.served_tokens, config.served_tail_tokens)


def training_ids(
    tokenizer: Tokenizer, texts: Sequence[str], config: TrainConfig
) -> list[list[int]]:
    """Token ids as training reads them: most texts short, with their end; some as served."""
    ids = reviews.tokenise(tokenizer, texts, config.max_tokens, config.tail_tokens)
    share = config.whole_share
    whole = [row for row in range(len(ids)) if floor(row * share) != floor((row - 1) * share)]
    served = served_ids(tokenizer, [texts[row] for row in whole], config)
    for row, tokens in zip(whole, served, strict=True):
        ids[row] = tokens
    return ids


def similarity_loss(student: Tensor, teacher: Tensor, config: TrainConfig) -> Tensor:
    """Keep each embedding near its teacher's, and the batch's similarities as they were."""
    cosine = (1 - (student * teacher).sum(-1)).mean()
    matrix = nn.functional.mse_loss(student @ student.T, teacher @ teacher.T)
    return config.cosine_weight * cosine + config.similarity_weight * matrix


def _optimizer(model: ReviewEncoder, config: TrainConfig) -> torch.optim.AdamW:
    groups: list[dict[str, object]] = []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        rate = config.learning_rate if name.startswith("encoder.") else config.head_learning_rate
        decay = config.weight_decay if parameter.ndim > 1 else 0.0
        groups.append({"params": [parameter], "lr": rate, "weight_decay": decay})
    return torch.optim.AdamW(groups, fused=True)


def _schedule(
    optimizer: torch.optim.AdamW, steps: int, warmup: int
) -> torch.optim.lr_scheduler.LambdaLR:
    def scale(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        return max(0.0, (steps - step) / max(1, steps - warmup))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, scale)


class _Progress:
    """Sums losses and writes one line per LOG_EVERY steps."""

    def __init__(self, path: Path, steps: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        self._path, self._steps, self._started = path, steps, time.monotonic()
        self._sums: dict[str, float] = {}
        self._count = self.step = 0

    def add(self, epoch: int, **losses: Tensor) -> None:
        """Count one step."""
        self.step += 1
        self._count += 1
        for name, loss in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + loss.item()
        if self.step % LOG_EVERY and self.step != self._steps:
            return
        line = {
            "epoch": epoch,
            "step": self.step,
            "steps": self._steps,
            "seconds": round(time.monotonic() - self._started, 1),
            **{name: round(total / self._count, 5) for name, total in self._sums.items()},
        }
        log.info("%s", json.dumps(line))
        with self._path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")
        self._sums, self._count = {}, 0


def fit(
    model: ReviewEncoder,
    teacher: Tensor,
    ids: list[list[int]],
    labels: list[int],
    config: TrainConfig,
) -> None:
    """Train in place; the losses go to the log and to logs/train_metrics.jsonl.

    Args:
        model: Changed in place.
        teacher: (n, d) unit embeddings of the base encoder for the texts.
        ids: Token ids of the n texts.
        labels: n labels, 0 negative, 1 neutral, 2 positive.
        config: The run's parameters.
    """
    target = torch.tensor(labels)
    steps = config.epochs * -(-len(ids) // config.batch_size)
    optimizer = _optimizer(model, config)
    schedule = _schedule(optimizer, steps, int(steps * config.warmup_share))
    generator = random.Random(config.seed)  # noqa: S311 - order of batches
    progress = _Progress(config.output_dir / "logs" / "train_metrics.jsonl", steps)
    model.train()
    for epoch in range(config.epochs):
        for rows in reviews.batches(ids, config.batch_size, generator):
            with torch.autocast("cpu", torch.bfloat16):
                pooled, logits = model.deep(*reviews.pad([ids[row] for row in rows]))
                embedding = model.embedding(pooled)
            sentiment = nn.functional.cross_entropy(
                logits.float(), target[rows], label_smoothing=config.label_smoothing
            )
            similarity = similarity_loss(embedding.float(), teacher[rows], config)
            (sentiment + similarity).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            progress.add(epoch, sentiment=sentiment, similarity=similarity)


def _git_commit() -> str | None:
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607 - whichever git the user has
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or None


def _refit(
    model: ReviewEncoder, base: ReviewEncoder, ids: list[list[int]], config: TrainConfig
) -> float | None:
    if not config.projection_rows:
        return None
    chosen = ids[: config.projection_rows]
    target = nn.functional.normalize(deep_outputs(base, chosen, exact=True)[0], dim=-1)
    return float(refit_projection(model, deep_outputs(model, chosen, exact=True)[0], target))


@torch.no_grad()
def _calibrate(
    model: ReviewEncoder, tokenizer: Tokenizer, config: TrainConfig
) -> dict[str, object]:
    validation = reviews.read(config.train_dir / "validation.parquet")
    ids = served_ids(tokenizer, validation.texts, config)
    labels = torch.tensor(validation.labels)
    _, deep = deep_outputs(model, ids, exact=True)
    (wide,) = reviews.over_batches(ids, 32, lambda *inputs: (model.wide(*inputs),))
    with torch.enable_grad():
        found = fit_calibration(deep, wide, labels)
    fold_into_head(model, found)
    right = found.apply(deep, wide).argmax(-1) == labels
    return {
        "validation_accuracy": right.float().mean().item(),
        "calibration": {"deep": found.deep, "wide": found.wide, "bias": found.bias.tolist()},
    }


def run(config: TrainConfig) -> dict[str, object]:
    """Train, refit the projection, calibrate, save; returns what run.json holds."""
    torch.manual_seed(config.seed)
    if config.threads:
        torch.set_num_threads(config.threads)
    folder = base_folder(config.model_name)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    base = new_model(folder)
    if config.start_from:
        model = load_model(config.start_from, config.dropout)
    else:
        model = new_model(folder, config.dropout)
    model.freeze(config.frozen_layers)
    everything = reviews.read(config.train_dir / "train.parquet")
    train = reviews.draw(everything, config.class_counts, config.seed)
    ids = training_ids(tokenizer, train.texts, config)
    if config.epochs:
        log.info("base embeddings of %d texts", len(ids))
        teacher = nn.functional.normalize(deep_outputs(base, ids)[0], dim=-1)
        fit(model, teacher, ids, train.labels, config)
        save_model(model, folder, config.output_dir)
    if config.wide:
        log.info("tokens and pairs of %d texts", len(everything.texts))
        every = served_ids(tokenizer, everything.texts, config)
        model.wide.fit(every, everything.labels, config.seed)
    cosine = _refit(model, base, ids, config)
    calibration = _calibrate(model, tokenizer, config)
    save_model(model, folder, config.output_dir)
    record: dict[str, object] = {
        "parameters": config.model_dump(
            mode="json", exclude={"train_dir", "output_dir", "start_from"}
        ),
        "train_rows": len(train.texts),
        "train_text_sha256": reviews.fingerprint(train.texts),
        "wide_rows": len(everything.texts) if config.wide else 0,
        "wide_text_sha256": reviews.fingerprint(everything.texts) if config.wide else None,
        "projection_cosine": cosine,
        **calibration,
        "git_commit": _git_commit(),
        "environment": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "transformers", "scikit-learn")},
        },
    }
    if config.start_from:
        earlier = (config.start_from / "run.json").read_text(encoding="utf-8")
        record["started_from"] = json.loads(earlier)
    Path(config.output_dir / "run.json").write_text(json.dumps(record, indent=1) + "\n")
    return record
