"""The wire contract of GET /overview."""

from datetime import date

from shared.schemas.aspects import Aspect
from shared.schemas.causes import Cause
from shared.schemas.documented import Documented
from shared.schemas.impact import Compared
from shared.schemas.insights import Figures, Fresh, Mover

DEFAULT_DAYS = 90
"""Length of a period where the request names none."""


class Period(Figures):
    """Figures of the reviews of some days; both days are in UTC and inclusive."""

    first_day: date
    """First day of the period, in UTC; its reviews are counted from midnight."""
    last_day: date
    """Last day of the period, in UTC and inclusive."""


class ExplainedMover(Mover):
    """A product that changed, with the aspect that explains it best."""

    cause: Cause | None
    """The first of the causes that ``GET /products/{product_id}`` names. Null if there is none."""


class Waiting(Documented):
    """Stored work that is not done; ``GET /collect`` lists the ingests."""

    ingests: int
    """Number of ingests that are read or processed now."""
    reviews: int
    """Number of reviews that are stored and wait for the model."""
    failed_shards: int
    """Number of batches of reviews that could not be processed in five attempts; `reviewlens
    redrive` tries them again."""
    failed_ingests: int
    """Number of ingests that these batches belong to."""


class Overview(Fresh):
    """What matters first: how things are, what changed, what it costs and what waits."""

    days: int
    """Length of the two periods in days, as asked for."""
    now: Period | None
    """The newest ``days`` up to the day of the newest review. Null if no review has a date."""
    before: Period | None
    """As many days just before. Null if no review has a date."""
    worse: list[ExplainedMover]
    """At most five products that became worse, the newest change first."""
    better: list[ExplainedMover]
    """At most five products that became better, the newest change first."""
    products_tested: int
    """Number of products with enough analysed, dated reviews to be tested for a change."""
    compared: Compared | None
    """The reviews that the impact of ``aspects`` is computed from. Null if none was read."""
    aspects: list[Aspect]
    """At most five aspects, the one whose complaints cost most first; see ``impact``."""
    waiting: Waiting
    """What is stored and not done yet, of all categories."""
