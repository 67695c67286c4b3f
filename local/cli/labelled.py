"""Star-labelled reviews out of dumps, drawn at random where there are more than are wanted."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from local.errors import LocalStackError
from local.stack.uploads import Upload, parse_mapping, plan_uploads
from shared.errors import IngestError
from shared.schemas.review import model_text

_MAPPING = TypeAdapter(dict[str, str])


@dataclass
class Labelled:
    """Texts as the encoder reads them, their stars, and what became of every row.

    ``rows_read`` = ``rejected`` (all reasons) + ``without_stars`` + ``repeated`` + ``usable``, of
    which ``len(texts)`` were drawn.
    """

    texts: list[str] = field(default_factory=list)
    stars: list[float] = field(default_factory=list)
    rows_read: int = 0
    without_stars: int = 0
    repeated: int = 0
    usable: int = 0
    rejects: Counter[str] = field(default_factory=Counter)

    def counts(self) -> dict[str, Any]:
        """The counts, for a report."""
        return {
            "rows_read": self.rows_read,
            "rejected": self.rejects.total(),
            "rejects_by_reason": dict(self.rejects),
            "without_stars": self.without_stars,
            "repeated": self.repeated,
            "usable": self.usable,
            "used": len(self.texts),
        }


def read_labelled(paths: Sequence[Path], *, mapping: str | None, most: int, seed: int) -> Labelled:
    """Read dumps of any known format to their ends.

    A text that was there before is left out, so that no review can help to judge itself.

    Args:
        paths: Files and folders, as ``ingest`` takes them, with their mappings beside them.
        mapping: ``text=Opinion,rating=Grade``, for all of them.
        most: Reviews to draw.
        seed: Of the draw.

    Raises:
        LocalStackError: a path is missing, or a dump cannot be read.
    """
    columns = parse_mapping(mapping) if mapping else None
    found = Labelled()
    draw = random.Random(seed)  # noqa: S311 - a draw, not a secret
    known: set[bytes] = set()
    for upload in plan_uploads(paths, mapping=columns):
        try:
            for text, stars in _rows(upload, found):
                digest = _digest(text)
                if digest in known:
                    found.repeated += 1
                else:
                    known.add(digest)
                    _offer(found, text, stars, most, draw)
        except (IngestError, OSError) as error:
            told = error.message if isinstance(error, IngestError) else str(error)
            raise LocalStackError(f"{upload.path} cannot be read: {told}") from error
    return found


def _digest(text: str) -> bytes:
    plain = " ".join(text.casefold().split())
    return blake2b(plain.encode("utf-8", "replace"), digest_size=8).digest()


def _offer(found: Labelled, text: str, stars: float, most: int, draw: random.Random) -> None:
    """Keep each review with the same chance (Vitter 1985, algorithm R)."""
    found.usable += 1
    if len(found.texts) < most:
        found.texts.append(text)
        found.stars.append(stars)
    elif (place := draw.randrange(found.usable)) < most:
        found.texts[place], found.stars[place] = text, stars


def _rows(upload: Upload, found: Labelled) -> Iterator[tuple[str, float]]:
    """Texts and stars of one dump; what has none is counted."""
    from lambdas.collection.reading.options import ReadOptions  # pyarrow comes along
    from lambdas.collection.reading.reader import read_dump

    options = ReadOptions(mapping=_mapping_of(upload))
    with upload.path.open("rb") as stream:
        for batch in read_dump(stream, name=upload.path.name, options=options):
            found.rows_read += batch.rows_read
            found.rejects.update(str(reject.reason) for reject in batch.rejects)
            chosen = batch.table.select(["title", "text", "rating"]).to_pydict()
            for title, text, stars in zip(*chosen.values(), strict=True):
                if stars is None:
                    found.without_stars += 1
                else:
                    yield model_text(title, text), stars


def _mapping_of(upload: Upload) -> dict[str, str] | None:
    if upload.mapping is None:
        return None
    try:
        return _MAPPING.validate_json(upload.mapping.removeprefix(b"\xef\xbb\xbf"))
    except ValidationError as error:
        told = "its mapping must be a JSON object of field names to column names"
        raise IngestError("mapping_invalid", told) from error
