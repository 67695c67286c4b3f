"""Runs noises and cases over a model."""

import logging
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from sagemaker_jobs.evaluate.metrics import Floats, Ints, confusion_matrix, scores
from sagemaker_jobs.evaluate.report import Behaviour, Drawn, Failure, Noise, RobustnessSetup
from sagemaker_jobs.evaluate.robustness.behaviour import Case, cases
from sagemaker_jobs.evaluate.robustness.perturbations import PERTURBATIONS
from sagemaker_jobs.evaluate.robustness.words import Perturbation
from shared.schemas.sentiment import LABELS

log = logging.getLogger("evaluate")
Predict = Callable[[Sequence[str]], Floats]
"""Texts to probabilities (n, 3)."""
_FAILURES = 12


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
    """What each noise costs at each strength.

    Args:
        predict: The model. It should read each text by itself (``ScoredModel.predict``), or noise
            is measured that is none of the text's.
        texts: n clean texts, at least one.
        labels: (n,), 0 negative, 1 neutral, 2 positive.
        split: Where the texts come from.
        strengths: Shares of words.
        seeds: Each noise is drawn with each of them.
        perturbations: By name.

    Returns:
        What was measured on, and the costs by ``name@strength``.
    """
    clean = predict(texts).argmax(-1)
    before = _scores(labels, clean)
    setup = RobustnessSetup(
        split=split,
        rows=len(texts),
        seeds=list(seeds),
        strengths=list(strengths),
        accuracy=before["accuracy"],
        macro_f1=before["macro_f1"],
    )
    found = {}
    for name, perturb in perturbations.items():
        for strength in strengths:
            drawn, changed = [], []
            for seed in seeds:
                noisy = [perturb(text, strength, seed) for text in texts]
                moved = [i for i, text in enumerate(texts) if noisy[i] != text]
                predicted = clean.copy()
                if moved:
                    predicted[moved] = predict([noisy[i] for i in moved]).argmax(-1)
                drawn.append(_drawn(seed, before, _scores(labels, predicted), clean != predicted))
                changed.append(len(moved) / len(texts))
            noise = _mean(name, strength, float(np.mean(changed)), drawn)
            log.info("%s", {k: v for k, v in noise.model_dump().items() if k != "seeds"})
            found[f"{name}@{strength:g}"] = noise
    return setup, found


def _drawn(
    seed: int, before: dict[str, float], after: dict[str, float], flipped: Sequence[bool]
) -> Drawn:
    return Drawn(
        seed=seed,
        accuracy_drop=before["accuracy"] - after["accuracy"],
        macro_f1_drop=before["macro_f1"] - after["macro_f1"],
        flip_rate=float(np.mean(flipped)),
    )


def _mean(name: str, strength: float, changed: float, drawn: list[Drawn]) -> Noise:
    return Noise(
        name=name,
        strength=strength,
        changed=changed,
        accuracy_drop=float(np.mean([each.accuracy_drop for each in drawn])),
        macro_f1_drop=float(np.mean([each.macro_f1_drop for each in drawn])),
        flip_rate=float(np.mean([each.flip_rate for each in drawn])),
        seeds=drawn,
    )


def behaviour(predict: Predict, *, seeds: Sequence[int] = (0, 1, 2)) -> dict[str, Behaviour]:
    """Pass rates of the behavioural cases by kind; each seed names other products and brands."""
    drawn = [cases(seed) for seed in seeds]
    return {kind: _behaviour(predict, [each[kind] for each in drawn]) for kind in drawn[0]}


def _behaviour(predict: Predict, drawn: Sequence[Sequence[Case]]) -> Behaviour:
    every = [case for part in drawn for case in part]
    plain = predict([case.plain for case in every])
    changed = predict([case.text for case in every])
    said, first = changed.argmax(-1), plain.argmax(-1)
    passed = np.array(
        [
            now == then if case.same else LABELS[now] in case.allowed
            for case, now, then in zip(every, said, first, strict=True)
        ]
    )
    plain_passed = np.array(
        [LABELS[then] in case.plain_allowed for case, then in zip(every, first, strict=True)]
    )
    wanted = [not set(case.allowed) & set(case.plain_allowed) for case in every]
    size = len(drawn[0])
    failures = [
        Failure(
            text=every[i].text,
            allowed=[LABELS[first[i]]] if every[i].same else list(every[i].allowed),
            predicted=LABELS[said[i]],
            probability=float(changed[i].max()),
        )
        for i in np.flatnonzero(~passed)
        if i < size
    ]
    return Behaviour(
        cases=len(every),
        pass_rate=float(passed.mean()),
        plain_pass_rate=float(plain_passed.mean()),
        drop=float(plain_passed.mean() - passed.mean()),
        flip_rate=float((said != first).mean()),
        wanted_flip_rate=float(np.mean(wanted)),
        pass_rate_by_seed=[float(part.mean()) for part in passed.reshape(-1, size)],
        failures=failures[:_FAILURES],
    )
