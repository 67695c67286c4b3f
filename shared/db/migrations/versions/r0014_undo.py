"""Undone uploads: their status, and the receipt of what was removed.

Several workers write the status of an ingest. The trigger keeps one that is being undone in that
state, whoever writes, so that a worker that is still collecting it cannot bring it back.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_BEFORE = "'received', 'collecting', 'collected', 'processed', 'processed_with_warnings', 'failed'"
_CONSTRAINT = """
ALTER TABLE ingests DROP CONSTRAINT ingests_status_check;
ALTER TABLE ingests ADD CONSTRAINT ingests_status_check CHECK (status IN ({}));
"""
_ADD = """
ALTER TABLE ingests ADD COLUMN undo jsonb;
COMMENT ON COLUMN ingests.undo IS 'the receipt of an upload that is undone; see schemas/undo.py';
CREATE INDEX ingests_undoing ON ingests (ingest_id) WHERE status = 'undoing';

CREATE FUNCTION note_undoing() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.status := 'undoing';
    RETURN NEW;
END $$;

CREATE TRIGGER undoing_stays BEFORE UPDATE ON ingests FOR EACH ROW
    WHEN (OLD.status = 'undoing' AND NEW.status NOT IN ('undoing', 'undone'))
    EXECUTE FUNCTION note_undoing();
"""
_DROP = """
DROP TRIGGER undoing_stays ON ingests;
DROP FUNCTION note_undoing;
DROP INDEX ingests_undoing;
ALTER TABLE ingests DROP COLUMN undo;
UPDATE ingests SET status = 'failed', error_code = status, error_detail = 'the upload was undone'
    WHERE status IN ('undoing', 'undone');
"""


def upgrade() -> None:
    """Allow the states, add the receipt, and keep the state until the work is done."""
    op.execute(_CONSTRAINT.format(f"{_BEFORE}, 'undoing', 'undone'"))
    op.execute(_ADD)


def downgrade() -> None:
    """Drop the receipts; an upload that was or is being undone becomes a failed one."""
    op.execute(_DROP)
    op.execute(_CONSTRAINT.format(_BEFORE))
