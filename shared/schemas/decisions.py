"""How a model's probabilities become labels: one rule for each kind of input.

The rules are fitted on sources that the model was not trained on (sagemaker_jobs/decide) and stored
in the model's manifest, as ``parameters.decisions``.
"""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from shared.schemas.formats import UNVERSIONED

SURE_ACCURACY = 0.95
"""Share of the labels that are right where a model is sure, unless its rules say another."""
DEFAULT_SURE_ABOVE = 0.71
"""For a model without rules: above it, the first shipped model was right in 95 of 100 reviews of
sources that it was trained on (its evaluation, "abstain")."""


class Kind(StrEnum):
    """The kind of a text: its label is that of the stars, or what a single sentence says."""

    REVIEW = "review"
    SENTENCE = "sentence"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Rule(_Part):
    """From probabilities to a label, for one kind of text.

    ``temperature`` divides the logits, then the biases are added to those of negative and neutral.
    The label is the most probable one after p(neutral) is multiplied by ``neutral_factor``; the
    probabilities that are reported are not multiplied. The model is sure of a label from the
    probability ``sure_above`` on, and never if it is null. From there on, at least
    ``sure_accuracy`` of the labels were right where the rule was fitted.
    """

    neutral_factor: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    temperature: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    negative_bias: float = Field(default=0.0, ge=-20, le=20)
    neutral_bias: float = Field(default=0.0, ge=-20, le=20)
    sure_above: float | None = Field(default=DEFAULT_SURE_ABOVE, ge=0, le=1)
    sure_accuracy: float = Field(default=SURE_ACCURACY, ge=0, le=1)


class Decisions(_Part):
    """The rules of a model; a model without any has the defaults."""

    format: int = UNVERSIONED
    review: Rule = Rule()
    sentence: Rule = Rule()

    def rule(self, kind: Kind) -> Rule:
        """The rule for a kind of text."""
        return self.review if kind is Kind.REVIEW else self.sentence
