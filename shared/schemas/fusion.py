"""What the manifest of a model says of its fusion head: sentiments from texts and pictures."""

from pydantic import BaseModel, ConfigDict, Field

from shared.schemas.decisions import Rule
from shared.schemas.formats import UNVERSIONED

FUSION = "fusion"
"""Parameter of the manifest; an earlier release ignores it and reads texts alone."""
HEAD_FILE = "fusion.npz"

Sha256 = Field(pattern=r"^[0-9a-f]{64}$")


class Fusion(BaseModel):
    """What a head belongs to, and what it is used for.

    ``encoder_sha256`` identifies the files of the model whose vectors and probabilities it was
    learned from, ``picture_sha256`` the graph of the picture tower. ``decides``: whether it gives
    the sentiment of a text with a picture; if not, the text does. ``both`` is the rule for its
    sentiments, ``picture`` the one for what it says of a picture alone.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: int = UNVERSIONED
    text_model: str
    encoder_sha256: str = Sha256
    picture_model: str
    picture_sha256: str = Sha256
    decides: bool = False
    both: Rule = Rule(sure_above=None)
    picture: Rule = Rule(sure_above=None)
