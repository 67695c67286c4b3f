"""Evaluates a model artefact on labelled texts and writes the figures."""

import logging
import os
import platform
from datetime import UTC, datetime

import numpy as np
import onnxruntime as ort
import pyarrow as pa

from sagemaker_jobs.evaluate import latency, predictions
from sagemaker_jobs.evaluate.behaviours import measure as behaviours
from sagemaker_jobs.evaluate.calibration import abstain_threshold
from sagemaker_jobs.evaluate.config import EvaluateConfig
from sagemaker_jobs.evaluate.metrics import Floats, recall_at
from sagemaker_jobs.evaluate.model import Reader, ScoredModel
from sagemaker_jobs.evaluate.report import Abstain, Environment, Evaluation, SplitReport
from sagemaker_jobs.evaluate.robustness import measure as robustness
from sagemaker_jobs.evaluate.rows import Rows, read_rows
from sagemaker_jobs.evaluate.slices import SLICES
from sagemaker_jobs.evaluate.spans import SUFFIX, span_rows
from sagemaker_jobs.evaluate.split import report_split, slices_of
from shared.runtime.decisions import decide_each
from shared.runtime.probabilities import softmax
from shared.schemas.decisions import Decisions

log = logging.getLogger("evaluate")
RECALL_SEED = 7
NEIGHBOURS = 10
_SPLITS_WITHOUT_RECALL = ("dynasent",)
"""Adversarial sentences, which are not a search corpus."""


def _choose_threshold(model: ScoredModel, config: EvaluateConfig) -> Abstain | None:
    """The abstain threshold; None if the split is missing or no threshold is accurate enough."""
    path = config.data_dir / f"{config.abstain_split}.parquet"
    if not path.is_file():
        log.info("no abstain threshold: %s is missing", path.name)
        return None
    rows = read_rows(path, config.limit)
    logits = model.read(rows.texts).logits
    decided = decide_each(model.manifest.decisions, rows.kinds, softmax(logits))
    point = abstain_threshold(decided, rows.labels, config.abstain_accuracy)
    if point is None:
        log.info("no abstain threshold: none reaches an accuracy of %s", config.abstain_accuracy)
        return None
    return Abstain(
        **point.model_dump(),
        split=config.abstain_split,
        rows=len(rows.texts),
        target_accuracy=config.abstain_accuracy,
    )


def _recall(ids: list[list[int]], embeddings: Floats, rows: int) -> float:
    """recall@10 against the base encoder; the only figure that needs torch."""
    from sagemaker_jobs.train.model import BUNDLED
    from sagemaker_jobs.train.teacher import base_embeddings

    chosen = np.random.default_rng(RECALL_SEED).permutation(len(ids))[:rows]
    base = base_embeddings(BUNDLED, [ids[i] for i in chosen])
    return recall_at(NEIGHBOURS, embeddings[chosen], base)


def _evaluate_split(
    name: str, rows: Rows, model: ScoredModel, config: EvaluateConfig, abstain: Abstain | None
) -> tuple[SplitReport, pa.Table]:
    ids, lengths, embeddings, logits = model.read(rows.texts)
    slices = slices_of(rows, lengths)
    decided = decide_each(model.manifest.decisions, rows.kinds, softmax(logits))
    report = report_split(rows, decided, slices, config, abstain)
    rows_suffice = min(config.recall_rows, len(ids)) > NEIGHBOURS
    if rows_suffice and name not in _SPLITS_WITHOUT_RECALL:
        recall = _recall(ids, embeddings, config.recall_rows)
        report = report.model_copy(update={"recall_at_10": recall})
    summary = {k: v for k, v in report.summary().items() if k != "by_source"}
    log.info("%s %s", name, summary)
    return report, predictions.table_of(name, rows, decided, slices)


def _evaluate_spans(
    name: str, rows: Rows, model: ScoredModel, config: EvaluateConfig, abstain: Abstain | None
) -> tuple[SplitReport, pa.Table] | None:
    """Figures and predictions of the labelled spans in a split; None if there are none."""
    found = span_rows(model, rows)
    if found is None:
        return None
    spans, logits = found
    decided = decide_each(model.manifest.decisions, spans.kinds, softmax(logits))
    slices = {kind: values for kind, values in spans.columns.items() if kind in SLICES}
    report = report_split(spans, decided, slices, config, abstain)
    return report, predictions.table_of(name + SUFFIX, spans, decided, slices)


def _environment() -> Environment:
    return Environment(
        python=platform.python_version(),
        onnxruntime=ort.__version__,
        processors=os.cpu_count() or 1,
        machine=platform.machine(),
    )


def _measure_robustness(
    model: ScoredModel, rows: dict[str, Rows], config: EvaluateConfig
) -> dict[str, object]:
    """The robustness fields of the evaluation; empty if the config skips them."""
    if not config.robustness:
        return {}
    split = config.robustness_split or config.split_names[0]
    chosen = np.random.default_rng(0).permutation(len(rows[split].texts))
    sample = rows[split].take(np.sort(chosen[: config.robustness_rows]))
    seeds = list(range(config.robustness_seeds))
    only = set(sample.kinds)
    reader = Reader(model, only.pop() if len(only) == 1 else None)
    setup, noises = robustness.noises(
        reader.decide, sample.texts, sample.labels, split=split, strengths=config.strengths,
        seeds=seeds,
    )  # fmt: skip
    behaviour = robustness.behaviour(Reader(model).decide, seeds=seeds)
    return {"robustness_setup": setup, "robustness": noises, "behaviour": behaviour}


def run(config: EvaluateConfig) -> Evaluation:
    """Evaluate every split and write the configured files.

    Raises:
        FileNotFoundError: the model or a split is missing.
        ValueError: the model or a split is invalid.
    """
    model = ScoredModel(config.model_dir, config.threads)
    rows = {
        name: read_rows(config.data_dir / f"{name}.parquet", config.limit)
        for name in config.split_names
    }
    abstain = _choose_threshold(model, config)
    results = {name: _evaluate_split(name, rows[name], model, config, abstain) for name in rows}
    for name, texts in rows.items():
        if spans := _evaluate_spans(name, texts, model, config, abstain):
            results[name + SUFFIX] = spans
    vocabulary = model.vocabulary
    evaluation = Evaluation.model_validate(
        {
            "version": model.manifest.version,
            "evaluated_at": datetime.now(UTC).replace(microsecond=0),
            "limit": config.limit,
            "environment": _environment(),
            "bytes": model.bytes,
            "latency": latency.measure(
                config.model_dir / "model.onnx", vocabulary, config.latency_runs
            ),
            "abstain": abstain,
            "splits": {name: split for name, (split, _) in results.items()},
            **_measure_robustness(model, rows, config),
            **(behaviours.measure(Reader(model).decide) if config.behaviours else {}),
        }
    )
    tables = [table for _, table in results.values()]
    _write(evaluation, tables, model.manifest.decisions, config)
    if config.record:
        metrics = {name: split.summary() for name, split in evaluation.splits.items()}
        model.record(metrics, abstain.model_dump() if abstain else None)
    return evaluation


def _write(
    evaluation: Evaluation, tables: list[pa.Table], decisions: Decisions, config: EvaluateConfig
) -> None:
    output = config.output
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(evaluation.to_json(), encoding="utf-8")
    predictions.write(output.parent / predictions.FILE, tables, evaluation.version, decisions)
    if config.report:
        from sagemaker_jobs.evaluate.render import html, markdown  # matplotlib: slow to load

        output.with_suffix(".md").write_text(markdown(evaluation), encoding="utf-8")
        output.with_suffix(".html").write_text(html(evaluation), encoding="utf-8")
