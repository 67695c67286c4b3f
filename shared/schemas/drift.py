"""The wire contract of GET /drift."""

from datetime import date
from typing import Literal

from pydantic import ConfigDict, Field

from shared.schemas.documented import Documented
from shared.schemas.insights import Fresh, SentimentSplit

Level = Literal["stable", "shifted", "strongly shifted"]


class DriftReference(Documented):
    """The model's answers when it was evaluated."""

    reviews: int
    """Number of rows of the evaluation."""
    sentiment_shares: SentimentSplit
    """Shares of the rows by the sentiment that the model gave them."""
    mean_confidence: float
    """Mean probability of the sentiments that it gave, 0 to 1."""
    origin: str = Field(alias="from")
    """Which rows these are: the evaluation and its part, such as ``test``."""

    model_config = ConfigDict(populate_by_name=True)


class DriftRecent(Documented):
    """The model's answers for the reviews that arrived on the newest days."""

    first_day: date | None = Field(alias="from")
    """First of these days on which reviews were uploaded (UTC). Null if the model has analysed
    none yet."""
    last_day: date | None = Field(alias="to")
    """Last day on which reviews were uploaded (UTC); ``days`` of the request are counted back from
    it. Null as ``from``."""
    reviews: int
    """Number of the reviews that arrived and have a sentiment of this model."""
    sentiment_shares: SentimentSplit | None
    """Shares of these reviews by sentiment. Null if there are none."""
    mean_confidence: float | None
    """Mean probability of their sentiments, 0 to 1. Null if there are none."""

    model_config = ConfigDict(populate_by_name=True)


class DriftMeasure(Documented):
    """How far one distribution moved."""

    name: Literal["sentiment", "confidence", "length"]
    """What is compared: the shares of the ``sentiment``, or the ``confidence`` in ten bins.
    ``length`` is not measured, as evaluations do not record it."""
    psi: float
    """Population stability index, from 0 (equal) up, without an upper limit."""
    level: Level
    """``stable`` below 0.1, ``shifted`` from 0.1, ``strongly shifted`` from 0.25 on."""


class DriftReport(Fresh):
    """Drift of the model's answers between its evaluation and the reviews of the newest days."""

    model_config = ConfigDict(protected_namespaces=())

    model_version: str | None
    """Version of the current model, whose answers are compared. Null before the first one."""
    reference: DriftReference | None
    """The answers that the recent ones are compared with. Null if the model has no recorded
    evaluation."""
    recent: DriftRecent | None
    """The newest answers. Null before the first model."""
    measures: list[DriftMeasure]
    """One for each distribution. Empty without a ``reference``, or if fewer than 200 reviews
    arrived."""
    level: Level | None
    """The highest level of the ``measures``. Null if there are none."""
