"""The format version of each row of the ledger; existing rows are version 1."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ADD = """
ALTER TABLE ingests ADD COLUMN format_version integer NOT NULL DEFAULT 1;
ALTER TABLE shards ADD COLUMN format_version integer NOT NULL DEFAULT 1;
COMMENT ON COLUMN ingests.format_version IS 'see LEDGER in shared/schemas/formats.py';
COMMENT ON COLUMN shards.format_version IS 'see LEDGER in shared/schemas/formats.py';
"""

_DROP = """
ALTER TABLE ingests DROP COLUMN format_version;
ALTER TABLE shards DROP COLUMN format_version;
"""


def upgrade() -> None:
    """Add the columns; existing rows get version 1."""
    op.execute(_ADD)


def downgrade() -> None:
    """Drop the columns."""
    op.execute(_DROP)
