"""Products, reviews, analyses, and the ledger of ingests with their shards and rejects.

Ids are compared byte by byte (COLLATE "C"): this is faster, and the order is the same on every
server, which prevents deadlocks between concurrent ingests.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE EXTENSION IF NOT EXISTS vector;

CREATE TABLE products (
    product_id text COLLATE "C" PRIMARY KEY,
    title text,
    category text
);

CREATE TABLE reviews (
    review_id text COLLATE "C" PRIMARY KEY,
    ingest_id text COLLATE "C" NOT NULL,
    record bigint NOT NULL,
    source text NOT NULL,
    product_id text COLLATE "C",
    reviewer_key text,
    rating real,
    title text,
    text text NOT NULL,
    original_text text,
    reviewed_at timestamptz,
    verified boolean,
    helpful_votes integer
);
COMMENT ON COLUMN reviews.ingest_id IS 'the ingest that stored the row first, and owns it';
COMMENT ON COLUMN reviews.record IS '1-based position in the owner''s dump';
CREATE INDEX reviews_by_product ON reviews (product_id);
CREATE INDEX reviews_by_date ON reviews (reviewed_at DESC NULLS LAST, review_id);

CREATE TABLE analyses (
    review_id text COLLATE "C" NOT NULL REFERENCES reviews ON DELETE CASCADE,
    model_version text COLLATE "C" NOT NULL,
    sentiment text NOT NULL CHECK (sentiment IN ('negative', 'neutral', 'positive')),
    confidence real NOT NULL,
    negative real NOT NULL,
    neutral real NOT NULL,
    positive real NOT NULL,
    analysed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (review_id, model_version)
);

CREATE TABLE ingests (
    ingest_id text COLLATE "C" PRIMARY KEY,
    bucket text NOT NULL,
    key text NOT NULL,
    etag text NOT NULL,
    status text NOT NULL
        CHECK (status IN ('received', 'collecting', 'collected', 'processed', 'failed')),
    format text,
    compression text,
    encoding text,
    dump_schema text,
    warnings jsonb NOT NULL DEFAULT '[]',
    error_code text,
    error_detail text,
    received_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (bucket, key, etag)
);
COMMENT ON COLUMN ingests.updated_at IS 'heartbeat of whoever works on it';

CREATE TABLE shards (
    ingest_id text COLLATE "C" NOT NULL REFERENCES ingests ON DELETE CASCADE,
    part integer NOT NULL,
    fingerprint text NOT NULL,
    accepted integer NOT NULL,
    rejected integer NOT NULL,
    rows integer NOT NULL,
    key text NOT NULL,
    model_version text,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (ingest_id, part)
);
COMMENT ON TABLE shards IS 'batches of an ingest that are stored; one with rows has a clean shard';
COMMENT ON COLUMN shards.rows IS 'rows that this ingest owns: stored, the rest are duplicates';
COMMENT ON COLUMN shards.model_version IS 'the model that processed it; null while it is open';
CREATE INDEX shards_open ON shards (ingest_id, part) WHERE model_version IS NULL AND rows > 0;

CREATE TABLE rejects (
    ingest_id text COLLATE "C" NOT NULL REFERENCES ingests ON DELETE CASCADE,
    record bigint NOT NULL,
    file text NOT NULL,
    line bigint,
    reason text NOT NULL,
    detail text NOT NULL,
    raw text NOT NULL,
    PRIMARY KEY (ingest_id, record)
);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(_TABLES)


def downgrade() -> None:
    """Drop the tables; the extension stays because other code may use it."""
    op.execute("DROP TABLE rejects, shards, ingests, analyses, reviews, products")
