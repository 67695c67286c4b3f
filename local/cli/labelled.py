"""Reads rated reviews from dumps, as a random sample if there are too many."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from local.dumps import Upload, parse_mapping, plan_uploads
from local.errors import LocalStackError
from shared.errors import IngestError
from shared.schemas.review import model_text

_MAPPING = TypeAdapter(dict[str, str], config=ConfigDict(coerce_numbers_to_str=True))


@dataclass
class Labelled:
    """Texts in the form that the encoder reads, their stars, and counts of all rows.

    ``rows_read`` = ``rejected`` (all reasons) + ``without_stars`` + ``repeated`` + ``usable``, of
    which ``len(texts)`` were sampled.
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


def read_labelled(
    paths: Sequence[Path], *, mapping: str | None, max_reviews: int, seed: int
) -> Labelled:
    """Read whole dumps of any supported format.

    Repeated texts are skipped, so that no review is both in the training and in the held-out part.

    Args:
        paths: Files and folders, as ``ingest`` takes them, with their mappings beside them.
        mapping: such as ``text=Opinion,rating=Grade``, for all dumps.
        max_reviews: Size of the sample.
        seed: Seed of the sample.

    Raises:
        LocalStackError: a path is missing, or a dump cannot be read.
    """
    columns = parse_mapping(mapping) if mapping else None
    labelled = Labelled()
    rng = random.Random(seed)  # noqa: S311 - for sampling, not for secrets
    digests: set[bytes] = set()
    for upload in plan_uploads(paths, mapping=columns):
        try:
            for text, stars in _rows(upload, labelled):
                digest = _digest(text)
                if digest in digests:
                    labelled.repeated += 1
                else:
                    digests.add(digest)
                    _add_to_sample(labelled, text, stars, max_reviews, rng)
        except (IngestError, OSError) as error:
            reason = error.message if isinstance(error, IngestError) else str(error)
            raise LocalStackError(f"{upload.path} cannot be read: {reason}") from error
    return labelled


def _digest(text: str) -> bytes:
    normalised = " ".join(text.casefold().split())
    return blake2b(normalised.encode("utf-8", "replace"), digest_size=8).digest()


def _add_to_sample(
    labelled: Labelled, text: str, stars: float, max_reviews: int, rng: random.Random
) -> None:
    """Sample reviews with equal probability (Vitter 1985, algorithm R)."""
    labelled.usable += 1
    if len(labelled.texts) < max_reviews:
        labelled.texts.append(text)
        labelled.stars.append(stars)
    elif (index := rng.randrange(labelled.usable)) < max_reviews:
        labelled.texts[index], labelled.stars[index] = text, stars


def _rows(upload: Upload, labelled: Labelled) -> Iterator[tuple[str, float]]:
    """Texts and stars of one dump; counts rejected rows and rows without stars."""
    from lambdas.collection.reading import (  # imports pyarrow
        ReadOptions,
        read_dump,
        split_mapping,
    )

    mapping, hints = split_mapping(_parse_mapping_file(upload))
    options = ReadOptions(mapping=mapping, hints=hints)
    with upload.path.open("rb") as stream:
        for batch in read_dump(stream, name=upload.path.name, options=options):
            labelled.rows_read += batch.rows_read
            labelled.rejects.update(str(reject.reason) for reject in batch.rejects)
            columns = batch.table.select(["title", "text", "rating"]).to_pydict()
            for title, text, stars in zip(*columns.values(), strict=True):
                if stars is None:
                    labelled.without_stars += 1
                else:
                    yield model_text(title, text), stars


def _parse_mapping_file(upload: Upload) -> dict[str, str] | None:
    if upload.mapping is None:
        return None
    try:
        return _MAPPING.validate_json(upload.mapping.removeprefix(b"\xef\xbb\xbf"))
    except ValidationError as error:
        message = "the mapping must be a JSON object from field names to column names"
        raise IngestError("mapping_invalid", message) from error
