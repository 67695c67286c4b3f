"""What a fusion head is sure that the pictures of a review say."""

from alembic import op

revision = "0023"
down_revision = "0021"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE picture_opinions (
    review_id text COLLATE "C" PRIMARY KEY REFERENCES reviews ON DELETE CASCADE,
    ingest_id text COLLATE "C" NOT NULL,
    sentiment text NOT NULL CHECK (sentiment IN ('negative', 'positive'))
);
COMMENT ON TABLE picture_opinions IS 'what the head of the model that embedded them is sure of';
COMMENT ON COLUMN picture_opinions.ingest_id IS
    'the upload whose pictures said it: void once the review belongs to another';
ALTER TABLE review_facts ADD COLUMN disagrees text COLLATE "C";
COMMENT ON COLUMN review_facts.disagrees IS
    'stars, text or picture: which contradicts both others; null: none of the three does';
COMMENT ON COLUMN review_facts.mismatch IS
    '1: stars above text, 2: picture above text, 3: stars above picture; negative: below; 0: none';

CREATE TRIGGER insights_after_insert AFTER INSERT ON picture_opinions
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_changed_reviews();
CREATE TRIGGER insights_after_update AFTER UPDATE ON picture_opinions
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_changed_reviews();
-- not for those that go with their review: its own deletion is noted
CREATE TRIGGER insights_after_delete AFTER DELETE ON picture_opinions
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION note_changed_reviews();
"""
_COUNT_AGAIN = """
INSERT INTO insight_changes (review_ids)
SELECT array_agg(review_id) FROM (
    SELECT review_id, (row_number() OVER () - 1) / 5000 AS part FROM review_facts
    WHERE abs(mismatch) > 1
) AS parts GROUP BY part
"""


def upgrade() -> None:
    """Add the table; stored pictures are read once more from their vectors, by a later sweep."""
    op.execute(_TABLE)
    op.execute("UPDATE picture_batches SET model_version = NULL WHERE fetched > 0")


def downgrade() -> None:
    """Drop the table; the figures count reviews without their pictures again."""
    op.execute("DROP TABLE picture_opinions")
    op.execute(_COUNT_AGAIN)
    op.execute("ALTER TABLE review_facts DROP COLUMN disagrees")
    op.execute(
        "COMMENT ON COLUMN review_facts.mismatch IS"
        " '1: the stars say better than the text, -1: worse'"
    )
