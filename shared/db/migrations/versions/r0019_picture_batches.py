"""Batches of pictures of reviews that are fetched together."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE picture_batches (
    ingest_id text NOT NULL REFERENCES ingests (ingest_id),
    first bigint NOT NULL,
    last bigint NOT NULL,
    pictures integer NOT NULL,
    fetched integer,
    refused integer,
    failed integer,
    queued_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (ingest_id, first)
);
COMMENT ON COLUMN picture_batches.first IS 'first and last: records of the reviews';
COMMENT ON COLUMN picture_batches.fetched IS 'null: the batch is waiting';
CREATE INDEX picture_batches_waiting ON picture_batches (queued_at) WHERE fetched IS NULL;
CREATE INDEX reviews_with_pictures ON reviews (ingest_id, record) WHERE picture_urls IS NOT NULL;
"""


def upgrade() -> None:
    """Add the table, and an index of the reviews with pictures."""
    op.execute(_TABLE)


def downgrade() -> None:
    """Drop them: pictures that were fetched stay in the bucket, and are not counted."""
    op.execute("DROP INDEX reviews_with_pictures")
    op.execute("DROP TABLE picture_batches")
