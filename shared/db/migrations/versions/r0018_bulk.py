"""The ranges of a dump that is read by several workers at once, and where each batch begins."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.execute("ALTER TABLE ingests ADD COLUMN bulk jsonb")
    op.execute(
        "COMMENT ON COLUMN ingests.bulk IS"
        " 'the plan of ranges and what they have counted; null: read in one run after another'"
    )
    op.execute("ALTER TABLE shards ADD COLUMN first_record bigint")
    op.execute(
        "COMMENT ON COLUMN shards.first_record IS"
        " 'null: of an earlier release, which stored all batches before it'"
    )


def downgrade() -> None:
    """Drop the columns: a dump that is being read in ranges is read from its beginning."""
    op.execute("ALTER TABLE ingests DROP COLUMN bulk")
    op.execute("ALTER TABLE shards DROP COLUMN first_record")
