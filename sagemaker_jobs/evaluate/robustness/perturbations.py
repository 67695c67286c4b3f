"""All noises by name."""

from sagemaker_jobs.evaluate.robustness import meaning, surface, typos
from sagemaker_jobs.evaluate.robustness.spelling import spelling
from sagemaker_jobs.evaluate.robustness.words import Perturbation

PERTURBATIONS: dict[str, Perturbation] = {
    "typos": typos.typos,
    "typo_swap": typos.typo_swap,
    "typo_drop": typos.typo_drop,
    "typo_double": typos.typo_double,
    "typo_key": typos.typo_key,
    "spelling": spelling,
    "truncation": surface.truncation,
    "case": surface.case,
    "punctuation_removed": surface.punctuation_removed,
    "punctuation_added": surface.punctuation_added,
    "emoji": surface.emoji,
    "special_characters": surface.special_characters,
    "entity_swap": meaning.entity_swap,
    "intensifier": meaning.intensifier,
}
"""Each takes a text, a strength (share of the words, 0 to 1) and a seed, and keeps the label."""
