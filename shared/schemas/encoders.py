"""Names of base encoders: the bundled one, a folder, or a repository on the hub at a commit."""

import re
from typing import NamedTuple

DEFAULT_ENCODER = "all-MiniLM-L6-v2"
HUB_ENCODERS = frozenset(
    {
        "sentence-transformers/all-MiniLM-L6-v2",
        "microsoft/MiniLM-L12-H384-uncased",
        "distilbert-base-uncased",
        "bert-base-uncased",
    }
)
"""Public repositories that a request may name, with the commit to use."""

_NAME_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_REPOSITORY = rf"{_NAME_PART}(/{_NAME_PART})?"
_REVISION = r"[0-9a-f]{40}"
ENCODER_NAME = rf"^{_REPOSITORY}(@{_REVISION})?$"
"""The pattern of ``model_name`` in requests."""
HOW_TO_PIN = (
    "name the commit, 40 hexadecimal digits, as in {}@0123456789abcdef0123456789abcdef01234567"
)


class HubEncoder(NamedTuple):
    """A repository on the hub; without a revision, its newest files are meant."""

    repository: str
    revision: str | None


def parse_hub_encoder(name: str) -> HubEncoder | None:
    """Split ``repository@commit``; None if it is not the name of a repository.

    Tags, branches and short hashes are no commits: they can move, or are ambiguous.
    """
    repository, at, revision = name.partition("@")
    if not re.fullmatch(_REPOSITORY, repository):
        return None
    if at and not re.fullmatch(_REVISION, revision):
        return None
    return HubEncoder(repository, revision or None)
