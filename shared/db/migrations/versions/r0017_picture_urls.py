"""Addresses of the pictures of reviews."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; reviews that are stored have no addresses."""
    op.execute("ALTER TABLE reviews ADD COLUMN picture_urls text")
    op.execute("COMMENT ON COLUMN reviews.picture_urls IS 'separated by spaces'")


def downgrade() -> None:
    """Drop the column."""
    op.execute("ALTER TABLE reviews DROP COLUMN picture_urls")
