"""Reviewers and products whose rows are removed, and left out of every later dump."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE exclusions (
    exclusion_id text COLLATE "C" PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    kind text NOT NULL CHECK (kind IN ('reviewer', 'product')),
    subject text COLLATE "C" NOT NULL,
    status text NOT NULL CHECK (status IN ('removing', 'removed')),
    receipt jsonb NOT NULL,
    scanned_ingest text COLLATE "C" NOT NULL DEFAULT '',
    scanned_record bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (kind, subject)
);
COMMENT ON COLUMN exclusions.subject IS 'as in reviews: a reviewer_key (keyed hash) or product_id';
COMMENT ON COLUMN exclusions.scanned_record IS 'rejects up to this one have been looked through';
"""


def upgrade() -> None:
    """Add the table."""
    op.execute(_TABLE)


def downgrade() -> None:
    """Drop it: later dumps are stored with the rows of excluded reviewers and products."""
    op.execute("DROP TABLE exclusions")
