"""Runs noises and behavioural cases on a model."""

import logging
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from sagemaker_jobs.evaluate.metrics import Ints, confusion_matrix, scores
from sagemaker_jobs.evaluate.report import Behaviour, Failure, Noise, NoiseDraw, RobustnessSetup
from sagemaker_jobs.evaluate.robustness.behaviour import Case, cases
from sagemaker_jobs.evaluate.robustness.perturbations import PERTURBATIONS
from sagemaker_jobs.evaluate.robustness.words import Perturbation
from shared.runtime.decisions import Decided
from shared.schemas.sentiment import LABELS

log = logging.getLogger("evaluate")
Predict = Callable[[Sequence[str]], Decided]
"""What a model says of n texts."""
_MAX_FAILURES = 12


def _scores(labels: Ints, predicted: Ints) -> dict[str, float]:
    return {name: float(x) for name, x in scores(confusion_matrix(labels, predicted)).items()}


def noises(
    predict: Predict,
    texts: Sequence[str],
    labels: Ints,
    *,
    split: str,
    strengths: Sequence[float] = (0.1,),
    seeds: Sequence[int] = (0, 1, 2),
    perturbations: Mapping[str, Perturbation] = PERTURBATIONS,
) -> tuple[RobustnessSetup, dict[str, Noise]]:
    """Measure the cost of each noise at each strength.

    Args:
        predict: The model. It should encode texts one by one (``Reader.decide``): batching
            adds noise of its own.
        texts: n clean texts, at least one.
        labels: (n,), 0 negative, 1 neutral, 2 positive.
        split: Name of the texts' split.
        strengths: Shares of words.
        seeds: Seeds of each noise.
        perturbations: Noises by name.

    Returns:
        The setup, and the costs by ``name@strength``.
    """
    clean = predict(texts).labels
    before = _scores(labels, clean)
    setup = RobustnessSetup(
        split=split,
        rows=len(texts),
        seeds=list(seeds),
        strengths=list(strengths),
        accuracy=before["accuracy"],
        macro_f1=before["macro_f1"],
    )
    costs = {}
    for name, perturb in perturbations.items():
        for strength in strengths:
            draws, changed = [], []
            for seed in seeds:
                noisy = [perturb(text, strength, seed) for text in texts]
                altered = [i for i, text in enumerate(texts) if noisy[i] != text]
                predicted = clean.copy()
                if altered:
                    predicted[altered] = predict([noisy[i] for i in altered]).labels
                draws.append(_draw(seed, before, _scores(labels, predicted), clean != predicted))
                changed.append(len(altered) / len(texts))
            noise = _mean(name, strength, float(np.mean(changed)), draws)
            log.info("%s", {k: v for k, v in noise.model_dump().items() if k != "seeds"})
            costs[f"{name}@{strength:g}"] = noise
    return setup, costs


def _draw(
    seed: int, before: dict[str, float], after: dict[str, float], flipped: Sequence[bool]
) -> NoiseDraw:
    return NoiseDraw(
        seed=seed,
        accuracy_drop=before["accuracy"] - after["accuracy"],
        macro_f1_drop=before["macro_f1"] - after["macro_f1"],
        flip_rate=float(np.mean(flipped)),
    )


def _mean(name: str, strength: float, changed: float, draws: list[NoiseDraw]) -> Noise:
    return Noise(
        name=name,
        strength=strength,
        changed=changed,
        accuracy_drop=float(np.mean([each.accuracy_drop for each in draws])),
        macro_f1_drop=float(np.mean([each.macro_f1_drop for each in draws])),
        flip_rate=float(np.mean([each.flip_rate for each in draws])),
        seeds=draws,
    )


def behaviour(predict: Predict, *, seeds: Sequence[int] = (0, 1, 2)) -> dict[str, Behaviour]:
    """Pass rates of the behavioural cases by kind; each seed inserts other products and brands."""
    by_seed = [cases(seed) for seed in seeds]
    return {kind: _behaviour(predict, [each[kind] for each in by_seed]) for kind in by_seed[0]}


def _behaviour(predict: Predict, by_seed: Sequence[Sequence[Case]]) -> Behaviour:
    every = [case for part in by_seed for case in part]
    plain = predict([case.plain for case in every])
    changed = predict([case.text for case in every])
    changed_labels, plain_labels = changed.labels, plain.labels
    passed = np.array(
        [
            label == plain_label if case.same else LABELS[label] in case.allowed
            for case, label, plain_label in zip(every, changed_labels, plain_labels, strict=True)
        ]
    )
    plain_passed = np.array(
        [
            LABELS[label] in case.plain_allowed
            for case, label in zip(every, plain_labels, strict=True)
        ]
    )
    should_flip = [not set(case.allowed) & set(case.plain_allowed) for case in every]
    size = len(by_seed[0])
    failures = [
        Failure(
            text=every[i].text,
            allowed=[LABELS[plain_labels[i]]] if every[i].same else list(every[i].allowed),
            predicted=LABELS[changed_labels[i]],
            probability=float(changed.confidences[i]),
        )
        for i in np.flatnonzero(~passed)
        if i < size
    ]
    return Behaviour(
        cases=len(every),
        pass_rate=float(passed.mean()),
        plain_pass_rate=float(plain_passed.mean()),
        drop=float(plain_passed.mean() - passed.mean()),
        flip_rate=float((changed_labels != plain_labels).mean()),
        wanted_flip_rate=float(np.mean(should_flip)),
        pass_rate_by_seed=[float(part.mean()) for part in passed.reshape(-1, size)],
        failures=failures[:_MAX_FAILURES],
    )
