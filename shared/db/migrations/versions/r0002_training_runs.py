"""Training runs, and the idempotency keys of their requests."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE training_runs (
    training_id text COLLATE "C" PRIMARY KEY,
    day date NOT NULL,
    number integer NOT NULL,
    state text NOT NULL
        CHECK (state IN ('started', 'running', 'completed', 'failed', 'cancelled')),
    parameters jsonb NOT NULL,
    fingerprint text NOT NULL,
    launcher text NOT NULL,
    rows bigint NOT NULL,
    estimated_at timestamptz NOT NULL,
    progress jsonb NOT NULL DEFAULT '{}',
    model_version text,
    failure_reason text,
    requested_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    UNIQUE (day, number)
);
COMMENT ON COLUMN training_runs.fingerprint IS 'hash of the parameters: equal requests';
COMMENT ON COLUMN training_runs.rows IS 'rows of an epoch, by which the next run is estimated';
CREATE UNIQUE INDEX training_runs_active ON training_runs (fingerprint)
    WHERE state IN ('started', 'running');
CREATE INDEX training_runs_finished ON training_runs (launcher, finished_at DESC)
    WHERE state = 'completed';

CREATE TABLE training_keys (
    key text COLLATE "C" PRIMARY KEY,
    training_id text COLLATE "C" NOT NULL REFERENCES training_runs ON DELETE CASCADE
);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(_TABLES)


def downgrade() -> None:
    """Drop the tables."""
    op.execute("DROP TABLE training_keys, training_runs")
