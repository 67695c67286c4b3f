"""Takes the database back to an earlier revision, for an earlier release.

A downgrade drops what a revision added. Figures, aspects and duplicates are computed again after
the next upgrade; everything in LOSSES is not.
"""

from typing import LiteralString

from alembic import command
from sqlalchemy import Connection, text

from shared.db.connection import Secret
from shared.db.migrations import known_revisions, migration_connection
from shared.errors import ConflictError, InvalidInputError

EMPTY = "base"
"""The revision of a database without tables."""
LOSSES: dict[str, dict[str, LiteralString]] = {
    "0001": {
        "all reviews, with their analyses": "reviews",
        "the ledger of ingests": "ingests",
    },
    "0002": {"training runs": "training_runs"},
    "0003": {},
    "0004": {},
    "0005": {
        "format versions of ingests": "ingests WHERE format_version > 1",
        "format versions of shards": "shards WHERE format_version > 1",
    },
    "0006": {"brands of products": "products WHERE brand IS NOT NULL"},
    "0007": {
        "languages of reviews": "analyses WHERE language IS NOT NULL",
        "which reviews the model does not understand": "analyses WHERE NOT understood",
    },
    "0008": {
        "details of ingests": "ingests WHERE details <> '{}'",
        "warnings in the status of ingests": "ingests WHERE status = 'processed_with_warnings'",
    },
    "0009": {"languages of shards": "shards WHERE languages IS NOT NULL"},
    "0010": {
        "owners of duplicates": "shards WHERE cardinality(duplicates_of) > 0",
        "shards to store again": "shards WHERE recheck_after IS NOT NULL",
        "origins of facts of products": "products WHERE origins <> '{}'",
    },
    "0011": {
        "which sentiments are sure": "analyses WHERE sure IS NOT NULL",
        "which reviews are mixed": "analyses WHERE mixed",
    },
    "0012": {"which model gave a sentiment": "analyses WHERE sentiment_model IS NOT NULL"},
    "0013": {"which shards failed": "shards WHERE failed_at IS NOT NULL"},
    "0014": {"receipts of uploads that were undone": "ingests WHERE undo IS NOT NULL"},
    "0015": {},
    "0016": {"reviewers and products that are excluded": "exclusions"},
    "0017": {"addresses of pictures": "reviews WHERE picture_urls IS NOT NULL"},
    "0018": {},
    "0019": {"counts of pictures": "picture_batches"},
    "0020": {},
    "0021": {},
    "0023": {"what pictures of reviews say": "picture_opinions"},
}
"""For each revision: what its downgrade loses, and the rows that have it."""


def downgrade(secret: Secret, revision: str, *, lossy: bool = False) -> str:
    """Take the database back to a revision; each step is one transaction.

    Args:
        secret: credentials of the owner of the tables.
        revision: an earlier revision, or EMPTY.
        lossy: whether data may be lost.

    Returns:
        The revision of the database, afterwards.

    Raises:
        InvalidInputError: it is not an earlier revision.
        ConflictError: data would be lost; the message lists them, and nothing is changed.
        NewerSchemaError: a newer release migrated the database.
        UnavailableError: the database does not answer.
    """
    with migration_connection(secret) as (connection, config, current):
        steps = _steps(current, revision)
        losses = [] if lossy else _losses(connection, steps)
        connection.commit()
        if losses:
            raise ConflictError(
                f"the downgrade from {current} to {revision} would lose {', '.join(losses)}; "
                "nothing was changed (--lossy allows it)"
            )
        if steps:
            command.downgrade(config, revision)
            connection.commit()
    return revision


def _steps(current: str, revision: str) -> list[str]:
    """The revisions to undo, newest first."""
    known = sorted(known_revisions())
    earlier = [EMPTY, *(each for each in known if each <= current)]
    if revision not in earlier:
        raise InvalidInputError(
            f"revision: must be one of {', '.join(earlier)} (the database is at {current or EMPTY})"
        )
    return [each for each in reversed(earlier[1:]) if revision == EMPTY or each > revision]


def _losses(connection: Connection, steps: list[str]) -> list[str]:
    losses = []
    for step in steps:
        for name, rows in LOSSES[step].items():
            count = connection.execute(text(f"SELECT count(*) FROM {rows}")).scalar_one()  # noqa: S608 - a constant
            if count:
                losses.append(f"{name} ({count:,})")
    return losses
