"""The model that gave the sentiment of a review, where it is not the one that analysed it."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_COLUMN = """
ALTER TABLE analyses ADD COLUMN sentiment_model text;
COMMENT ON COLUMN analyses.sentiment_model IS
    'the second model of a cascade, which gave sentiment and probabilities; null: model_version';
"""


def upgrade() -> None:
    """Add the column."""
    op.execute(_COLUMN)


def downgrade() -> None:
    """Drop the column."""
    op.execute("ALTER TABLE analyses DROP COLUMN sentiment_model")
