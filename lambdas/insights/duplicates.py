"""Pages of copied reviews."""

from typing import Annotated

from pydantic import Field, TypeAdapter

from shared.db.duplicates.queries import DuplicateQueries
from shared.http.cursor import decode_cursor, encode_cursor
from shared.http.fitting import fit_page
from shared.schemas.duplicates import DuplicateGroup, DuplicateKind, DuplicatePage

_BigInt = Annotated[int, Field(ge=-(2**63), lt=2**63)]
_POSITION: TypeAdapter[tuple[_BigInt, DuplicateKind, _BigInt]] = TypeAdapter(
    tuple[_BigInt, DuplicateKind, _BigInt]
)


class DuplicateReader:
    """Answers /duplicates."""

    def __init__(self, queries: DuplicateQueries) -> None:
        self._queries = queries

    def page(
        self, product_id: str | None, kind: DuplicateKind | None, limit: int, cursor: str | None
    ) -> DuplicatePage:
        """Read a page of groups, the largest first."""
        after = decode_cursor(_POSITION, cursor) if cursor else None
        rows = self._queries.groups(product_id, kind, limit + 1, after)
        fields = DuplicateGroup.model_fields
        groups = [DuplicateGroup(**{name: row[name] for name in fields}) for row in rows]
        page, has_more = fit_page(groups, limit)
        last = rows[len(page) - 1] if has_more else None
        position = (last["reviews"], last["kind"], last["fingerprint"]) if last else None
        return DuplicatePage(
            groups=page,
            next_cursor=encode_cursor(_POSITION, position) if position else None,
        )
