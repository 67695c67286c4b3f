"""The brand of a product."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, and an index for the filter of GET /products."""
    op.execute("ALTER TABLE products ADD COLUMN brand text")
    op.execute("CREATE INDEX products_by_brand ON products (brand)")


def downgrade() -> None:
    """Drop the column and its index."""
    op.execute("ALTER TABLE products DROP COLUMN brand")
