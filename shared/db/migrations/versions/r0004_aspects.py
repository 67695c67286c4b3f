"""Aspects of reviews, similar texts, and their counts.

Models write readings and processing writes prints, one row per review. Triggers log changes in the
transaction that makes them; shared/db/text_figures.py processes the log. The triggers run as the
owner (SECURITY DEFINER), so that a release that does not know the log still works.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ASPECTS = """
CREATE TABLE text_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    review_ids text[] COLLATE "C" NOT NULL DEFAULT '{}',
    product_ids text[] COLLATE "C" NOT NULL DEFAULT '{}',
    logged_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE text_changes IS 'what aspects and duplicates have not taken up yet';
COMMENT ON COLUMN text_changes.product_ids IS 'products whose category changed';

CREATE TABLE aspect_readings (
    review_id text COLLATE "C" NOT NULL REFERENCES reviews ON DELETE CASCADE,
    model_version text COLLATE "C" NOT NULL,
    aspects text[] COLLATE "C" NOT NULL,
    starts integer[] NOT NULL,
    ends integer[] NOT NULL,
    sentiments text[] COLLATE "C" NOT NULL,
    confidences real[] NOT NULL,
    PRIMARY KEY (review_id, model_version)
);
COMMENT ON TABLE aspect_readings IS 'what a review mentions, and what a model says of it';
COMMENT ON COLUMN aspect_readings.starts IS 'of the sentence, in characters of the text from 0';

CREATE TABLE aspect_mentions (
    review_id text COLLATE "C" NOT NULL,
    place smallint NOT NULL,
    product_id text COLLATE "C" NOT NULL,
    category text COLLATE "C" NOT NULL,
    aspect text COLLATE "C" NOT NULL,
    is_first boolean NOT NULL,
    sentiment text COLLATE "C" NOT NULL,
    confidence real NOT NULL,
    starts integer NOT NULL,
    ends integer NOT NULL,
    PRIMARY KEY (review_id, place)
);
COMMENT ON TABLE aspect_mentions IS 'mentions that count: of the model that judged a review last';
COMMENT ON COLUMN aspect_mentions.place IS '0: the review itself, with no aspect';
COMMENT ON COLUMN aspect_mentions.product_id IS 'empty: none; so with category';
COMMENT ON COLUMN aspect_mentions.is_first IS 'the first of its aspect in its review';
CREATE INDEX aspect_mentions_of_product
    ON aspect_mentions (product_id, aspect, sentiment, confidence DESC, review_id);
CREATE INDEX aspect_mentions_of_category
    ON aspect_mentions (category, aspect, sentiment, confidence DESC, review_id);
CREATE INDEX aspect_mentions_of_all
    ON aspect_mentions (aspect, sentiment, confidence DESC, review_id);

CREATE TABLE aspect_counts (
    scope text COLLATE "C" NOT NULL CHECK (scope IN ('all', 'category', 'product')),
    name text COLLATE "C" NOT NULL,
    aspect text COLLATE "C" NOT NULL,
    mentions bigint NOT NULL,
    reviews bigint NOT NULL,
    negative bigint NOT NULL,
    neutral bigint NOT NULL,
    positive bigint NOT NULL,
    PRIMARY KEY (scope, name, aspect)
);
COMMENT ON COLUMN aspect_counts.aspect IS 'empty: the reviews that were read for aspects';
CREATE INDEX aspect_counts_most ON aspect_counts (scope, name, reviews DESC, aspect);
CREATE INDEX aspect_counts_empty ON aspect_counts (scope) WHERE mentions = 0;
"""

_DUPLICATES = """
CREATE TABLE text_prints (
    review_id text COLLATE "C" PRIMARY KEY REFERENCES reviews ON DELETE CASCADE,
    fingerprint bigint NOT NULL,
    bands bigint[] NOT NULL
);
COMMENT ON TABLE text_prints IS 'of texts long enough: a hash, and hashes that texts alike share';

CREATE TABLE duplicate_members (
    review_id text COLLATE "C" PRIMARY KEY,
    fingerprint bigint NOT NULL
);
CREATE INDEX duplicate_members_of ON duplicate_members (fingerprint);

CREATE TABLE near_texts (
    fingerprint bigint PRIMARY KEY,
    root bigint NOT NULL,
    bands bigint[] NOT NULL
);
COMMENT ON COLUMN near_texts.root IS 'texts that are alike have the same, the smallest of theirs';
CREATE INDEX near_texts_of ON near_texts (root);
CREATE INDEX near_texts_alike ON near_texts USING gin (bands);

CREATE TABLE duplicate_groups (
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('exact', 'near')),
    fingerprint bigint NOT NULL,
    reviews bigint NOT NULL,
    reviewers bigint NOT NULL,
    products bigint NOT NULL,
    product_ids text[] COLLATE "C" NOT NULL,
    first_day date,
    last_day date,
    PRIMARY KEY (kind, fingerprint)
);
CREATE INDEX duplicate_groups_largest ON duplicate_groups (reviews DESC, kind, fingerprint);
CREATE INDEX duplicate_groups_products ON duplicate_groups USING gin (product_ids);
"""

_DEFINER = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
_TRIGGERS = f"""
CREATE FUNCTION note_changed_texts() RETURNS trigger {_DEFINER} AS $$
BEGIN
    INSERT INTO public.text_changes (review_ids)
    SELECT array_agg(review_id) FROM (
        SELECT review_id, (row_number() OVER () - 1) / 5000 AS part FROM changed
    ) AS parts GROUP BY part;
    RETURN NULL;
END $$;

CREATE FUNCTION note_recategorised_texts() RETURNS trigger {_DEFINER} AS $$
BEGIN
    INSERT INTO public.text_changes (product_ids)
    SELECT array_agg(product_id) FROM changed JOIN before USING (product_id)
    WHERE changed.category IS DISTINCT FROM before.category HAVING count(*) > 0;
    RETURN NULL;
END $$;

CREATE TRIGGER texts_after_delete AFTER DELETE ON reviews
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_changed_texts();
CREATE TRIGGER texts_after_insert AFTER INSERT ON aspect_readings
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_changed_texts();
CREATE TRIGGER texts_after_update AFTER UPDATE ON aspect_readings
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_changed_texts();
CREATE TRIGGER texts_after_insert AFTER INSERT ON text_prints
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_changed_texts();
CREATE TRIGGER texts_after_update AFTER UPDATE ON text_prints
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_changed_texts();
-- which analysis is the newest decides which reading counts
CREATE TRIGGER texts_after_update AFTER UPDATE ON analyses
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_changed_texts();
CREATE TRIGGER texts_after_update AFTER UPDATE ON products
    REFERENCING OLD TABLE AS before NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_recategorised_texts();
"""  # noqa: S608 - constants of this module

# Reviews that were processed before have neither a reading nor a print: reopening their shards has
# them processed once more, which changes nothing else.
_REOPEN_SHARDS = "UPDATE shards SET model_version = NULL WHERE rows > 0"

_DROP = """
DROP TRIGGER texts_after_delete ON reviews;
DROP TRIGGER texts_after_update ON analyses;
DROP TRIGGER texts_after_update ON products;
DROP TABLE duplicate_groups, near_texts, duplicate_members, text_prints, aspect_counts,
    aspect_mentions, aspect_readings, text_changes;
DROP FUNCTION note_changed_texts, note_recategorised_texts;
"""


def upgrade() -> None:
    """Create tables and triggers, and have existing reviews processed again."""
    op.execute(_ASPECTS)
    op.execute(_DUPLICATES)
    op.execute(_TRIGGERS)
    op.execute(_REOPEN_SHARDS)


def downgrade() -> None:
    """Drop triggers and tables."""
    op.execute(_DROP)
