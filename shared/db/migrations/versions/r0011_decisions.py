"""Whether a model is sure of a review's sentiment, and whether its sentences contradict it."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_COLUMNS = """
ALTER TABLE analyses ADD COLUMN sure boolean, ADD COLUMN mixed boolean;
COMMENT ON COLUMN analyses.sure IS
    'the sentiment can be relied on; null: stored by a release that did not record it';
COMMENT ON COLUMN analyses.mixed IS
    'one sentence is surely praise and another surely complaint; null: the model cannot say';
"""


def upgrade() -> None:
    """Add the columns."""
    op.execute(_COLUMNS)


def downgrade() -> None:
    """Drop the columns."""
    op.execute("ALTER TABLE analyses DROP COLUMN sure, DROP COLUMN mixed")
