"""How many reviews of each shard are written in which language."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; shards processed earlier have no counts."""
    op.execute("ALTER TABLE shards ADD COLUMN languages jsonb")


def downgrade() -> None:
    """Drop the column."""
    op.execute("ALTER TABLE shards DROP COLUMN languages")
