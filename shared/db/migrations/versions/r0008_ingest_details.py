"""Details of ingests, and the status ``processed_with_warnings``."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, and allow the status."""
    op.execute("ALTER TABLE ingests ADD COLUMN details jsonb NOT NULL DEFAULT '{}'")
    op.execute("ALTER TABLE ingests DROP CONSTRAINT ingests_status_check")
    op.execute(
        "ALTER TABLE ingests ADD CONSTRAINT ingests_status_check CHECK (status IN"
        " ('received', 'collecting', 'collected', 'processed', 'processed_with_warnings',"
        " 'failed'))"
    )


def downgrade() -> None:
    """Drop the column; ingests with warnings become processed."""
    op.execute("UPDATE ingests SET status = 'processed' WHERE status = 'processed_with_warnings'")
    op.execute("ALTER TABLE ingests DROP CONSTRAINT ingests_status_check")
    op.execute(
        "ALTER TABLE ingests ADD CONSTRAINT ingests_status_check CHECK (status IN"
        " ('received', 'collecting', 'collected', 'processed', 'failed'))"
    )
    op.execute("ALTER TABLE ingests DROP COLUMN details")
