"""Pictures of stored reviews: limits, what is asked of the worker, and what became of them."""

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from shared.schemas.documented import Documented

MAX_PICTURES_OF_REVIEW = 8
MAX_URL_CHARACTERS = 2048
URL_SEPARATOR = " "
"""Between the addresses of a review's pictures, none of which has a space."""
PICTURES_PER_BATCH = 40
"""With the longest addresses, a message has less than 100 KB; SQS takes 256 KB."""
MAX_PICTURES_OF_INGEST = 10_000
"""Pictures of one upload that are fetched, unless a setting changes it."""

Outcome = Literal["fetched", "refused", "failed"]
"""``refused``: its address, host or content is not allowed. ``failed``: it could not be got."""
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


class WantedPicture(BaseModel):
    """A picture of a review, by its address."""

    model_config = ConfigDict(frozen=True)

    review_id: str
    url: Annotated[str, Field(max_length=MAX_URL_CHARACTERS)]


class KeptPicture(WantedPicture):
    """What became of a picture; ``sha256`` names the file of one that was fetched."""

    outcome: Outcome
    reason: str = ""
    sha256: str = ""


class PictureResults(BaseModel):
    """What became of a batch. ``vectors/<model>/`` has a row for each that was fetched."""

    pictures: list[KeptPicture]

    def count(self, outcome: Outcome) -> int:
        """How many pictures ended so."""
        return sum(each.outcome == outcome for each in self.pictures)

    @property
    def fetched(self) -> list[KeptPicture]:
        """Those that are stored, in the order of their vectors."""
        return [each for each in self.pictures if each.outcome == "fetched"]


class PictureTotals(Documented):
    """Pictures of an ingest; zeros where none is fetched."""

    fetched: int = 0
    """Pictures that are stored and can be found."""
    refused: int = 0
    """Pictures whose address, host or content is not allowed, or which are more than an upload may
    have."""
    failed: int = 0
    """Pictures that the server did not send."""
    waiting: int = 0
    """Pictures that are queued and not fetched yet."""
