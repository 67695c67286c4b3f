"""The language of each review, and the number of reviews that the model does not understand."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SUMS = ("product_days", "product_sources", "segment_days", "segment_totals", "product_totals")


def upgrade() -> None:
    """Add the columns; earlier analyses keep their sentiment and have no language."""
    op.execute(
        "ALTER TABLE analyses ADD COLUMN language text,"
        " ADD COLUMN understood boolean NOT NULL DEFAULT true"
    )
    op.execute('ALTER TABLE review_facts ADD COLUMN language text COLLATE "C"')
    op.execute(
        "CREATE INDEX review_facts_by_language ON review_facts (language, at DESC, review_id)"
    )
    for table in _SUMS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN not_understood bigint NOT NULL DEFAULT 0")


def downgrade() -> None:
    """Drop the columns."""
    for table in _SUMS:
        op.execute(f"ALTER TABLE {table} DROP COLUMN not_understood")
    op.execute("ALTER TABLE review_facts DROP COLUMN language")
    op.execute("ALTER TABLE analyses DROP COLUMN language, DROP COLUMN understood")
