"""How often processing tried each shard, and why a shard failed."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_COLUMNS = """
ALTER TABLE shards
    ADD COLUMN attempts integer NOT NULL DEFAULT 0,
    ADD COLUMN outages integer NOT NULL DEFAULT 0,
    ADD COLUMN failure text,
    ADD COLUMN failed_at timestamptz;
COMMENT ON COLUMN shards.attempts IS 'attempts since the last success; 0 once processed';
COMMENT ON COLUMN shards.outages IS 'other attempts, which a dependency made fail';
COMMENT ON COLUMN shards.failure IS 'why the last attempt failed';
COMMENT ON COLUMN shards.failed_at IS 'since when it is not tried again; null: it is open';
"""


def upgrade() -> None:
    """Add the columns; no shard has failed yet."""
    op.execute(_COLUMNS)


def downgrade() -> None:
    """Drop the columns: failed shards are open again."""
    op.execute(
        "ALTER TABLE shards DROP COLUMN attempts, DROP COLUMN outages,"
        " DROP COLUMN failure, DROP COLUMN failed_at"
    )
