"""Where the next run goes on with an object, and how many runs have stored nothing new."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_COLUMNS = """
ALTER TABLE ingests
    ADD COLUMN checkpoint text,
    ADD COLUMN attempts integer NOT NULL DEFAULT 0,
    ADD COLUMN outages integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN ingests.checkpoint IS 'JSON: where the next run goes on; null: at the beginning';
COMMENT ON COLUMN ingests.attempts IS 'runs since a batch was last stored';
COMMENT ON COLUMN ingests.outages IS 'other such runs, which a dependency made fail';
"""


def upgrade() -> None:
    """Add the columns; an ingest that is being collected is read from its beginning."""
    op.execute(_COLUMNS)


def downgrade() -> None:
    """Drop the columns: an ingest that is being collected is read from its beginning."""
    op.execute(
        "ALTER TABLE ingests DROP COLUMN checkpoint, DROP COLUMN attempts, DROP COLUMN outages"
    )
