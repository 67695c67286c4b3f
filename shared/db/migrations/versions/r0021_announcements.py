"""Which ends of ingests were announced; see shared/db/ingest/announcements.py."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_FINAL = "('processed', 'processed_with_warnings', 'failed', 'undone')"


def upgrade() -> None:
    """Add the column; what ended before this revision is not announced any more."""
    op.execute("ALTER TABLE ingests ADD COLUMN announced text")
    op.execute(
        "COMMENT ON COLUMN ingests.announced IS"
        " 'the final status that was announced last; null: none since the last reading'"
    )
    op.execute(f"UPDATE ingests SET announced = status WHERE status IN {_FINAL}")  # noqa: S608 - a constant
    op.execute(
        "CREATE INDEX ingests_to_announce ON ingests (updated_at)"
        f" WHERE status IN {_FINAL} AND announced IS DISTINCT FROM status"
    )


def downgrade() -> None:
    """Drop the column, with its index."""
    op.execute("ALTER TABLE ingests DROP COLUMN announced")
