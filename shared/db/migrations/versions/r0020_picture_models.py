"""The model that embedded a batch of pictures."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; batches that are stored are embedded again once, from their files."""
    op.execute("ALTER TABLE picture_batches ADD COLUMN model_version text")
    op.execute(
        "COMMENT ON COLUMN picture_batches.model_version IS"
        " 'the last model that embedded it; null: it waits, or an earlier release stored it'"
    )


def downgrade() -> None:
    """Drop the column."""
    op.execute("ALTER TABLE picture_batches DROP COLUMN model_version")
