"""What corrections need: the owners of a shard's duplicates, and the origin of products' facts."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_COLUMNS = """
ALTER TABLE shards ADD COLUMN duplicates_of text[] COLLATE "C",
    ADD COLUMN recheck_after text COLLATE "C";
COMMENT ON COLUMN shards.duplicates_of IS
    'ingests that own its duplicates; null: stored by a release that did not record them';
COMMENT ON COLUMN shards.recheck_after IS
    'this ingest deleted rows or facts that the shard may have; it is to be stored again';
ALTER TABLE products ADD COLUMN origins jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN products.origins IS 'which ingest each fact comes from; of earlier ones none';
CREATE INDEX shards_to_recheck ON shards (ingest_id) WHERE recheck_after IS NOT NULL;
"""


def upgrade() -> None:
    """Add the columns."""
    op.execute(_COLUMNS)


def downgrade() -> None:
    """Drop the columns; the index goes with them."""
    op.execute("ALTER TABLE shards DROP COLUMN duplicates_of, DROP COLUMN recheck_after")
    op.execute("ALTER TABLE products DROP COLUMN origins")
