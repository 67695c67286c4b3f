"""Figures of insights: a log of changes, a narrow row per review, and sums of these rows.

Triggers log changes in the transaction that makes them, one row per statement, so that writers do
not wait for each other. shared/db/insights/rollups.py processes the log. The triggers run as the
owner (SECURITY DEFINER), so that a release that does not know the log still works.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MEASURES = """
    reviews bigint NOT NULL,
    rated bigint NOT NULL,
    rating_sum numeric NOT NULL,
    negative bigint NOT NULL,
    neutral bigint NOT NULL,
    positive bigint NOT NULL,
    mismatches bigint NOT NULL
"""

_TABLES = f"""
CREATE TABLE insight_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    review_ids text[] COLLATE "C" NOT NULL DEFAULT '{{}}',
    product_ids text[] COLLATE "C" NOT NULL DEFAULT '{{}}',
    reviews integer NOT NULL GENERATED ALWAYS AS (cardinality(review_ids)) STORED,
    logged_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE insight_changes IS 'what the figures have not taken up yet';
COMMENT ON COLUMN insight_changes.product_ids IS 'products whose category changed';

CREATE TABLE review_facts (
    review_id text COLLATE "C" PRIMARY KEY,
    product_id text COLLATE "C" NOT NULL,
    category text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    day date NOT NULL,
    rating real,
    sentiment text COLLATE "C",
    confidence real,
    model_version text COLLATE "C",
    mismatch smallint NOT NULL,
    arrived date
);
COMMENT ON TABLE review_facts IS 'of each review what the figures count, as they count it';
COMMENT ON COLUMN review_facts.product_id IS 'empty: none; so with category';
COMMENT ON COLUMN review_facts.at IS '-infinity: undated; so with day, which is that of UTC';
COMMENT ON COLUMN review_facts.mismatch IS '1: the stars say better than the text, -1: worse';
COMMENT ON COLUMN review_facts.arrived IS 'day on which the dump that it came with was received';
CREATE INDEX review_facts_by_date ON review_facts (at DESC, review_id);
CREATE INDEX review_facts_by_product ON review_facts (product_id, at DESC, review_id);
CREATE INDEX review_facts_by_category ON review_facts (category, at DESC, review_id);
CREATE INDEX review_facts_by_source ON review_facts (source, at DESC, review_id);
CREATE INDEX review_facts_by_sentiment ON review_facts (sentiment, at DESC, review_id);
CREATE INDEX review_facts_by_rating ON review_facts (rating, at DESC, review_id);
CREATE INDEX review_facts_mismatched ON review_facts (at DESC, review_id) WHERE mismatch <> 0;
CREATE STATISTICS review_facts_together (mcv)
    ON category, source, sentiment, rating, mismatch FROM review_facts;

CREATE TABLE product_days (
    product_id text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    day date NOT NULL,
    {_MEASURES},
    PRIMARY KEY (product_id, source, day)
);
CREATE INDEX product_days_empty ON product_days (product_id) WHERE reviews = 0;

CREATE TABLE product_sources (
    product_id text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    {_MEASURES},
    PRIMARY KEY (product_id, source)
);
CREATE INDEX product_sources_by_source ON product_sources (source);
CREATE INDEX product_sources_empty ON product_sources (product_id) WHERE reviews = 0;

CREATE TABLE segment_days (
    segment text COLLATE "C" NOT NULL CHECK (segment IN ('all', 'category', 'source', 'both')),
    category text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    day date NOT NULL,
    {_MEASURES},
    PRIMARY KEY (segment, category, source, day)
);
COMMENT ON COLUMN segment_days.segment IS 'which of category and source tell reviews apart here';
CREATE INDEX segment_days_empty ON segment_days (segment) WHERE reviews = 0;

CREATE TABLE segment_totals (
    segment text COLLATE "C" NOT NULL CHECK (segment IN ('category', 'source')),
    name text COLLATE "C" NOT NULL,
    {_MEASURES},
    PRIMARY KEY (segment, name)
);
CREATE INDEX segment_totals_empty ON segment_totals (segment) WHERE reviews = 0;

CREATE TABLE product_totals (
    product_id text COLLATE "C" PRIMARY KEY,
    category text COLLATE "C" NOT NULL,
    {_MEASURES},
    analysed bigint NOT NULL GENERATED ALWAYS AS (negative + neutral + positive) STORED,
    mean_rating float8 GENERATED ALWAYS AS
        (CASE WHEN rated > 0 THEN rating_sum::float8 / rated END) STORED,
    negative_share float8 GENERATED ALWAYS AS
        (CASE WHEN negative + neutral + positive > 0
         THEN negative::float8 / (negative + neutral + positive) END) STORED,
    net_sentiment float8 GENERATED ALWAYS AS
        (CASE WHEN negative + neutral + positive > 0
         THEN 100 * (positive - negative)::float8 / (negative + neutral + positive) END) STORED,
    stale boolean NOT NULL DEFAULT true,
    first_day date,
    last_day date,
    change_day date,
    change_seen date,
    reviews_before bigint,
    negative_before bigint,
    reviews_after bigint,
    negative_after bigint,
    p_value float8
);
COMMENT ON COLUMN product_totals.stale IS 'its days changed: what follows is to be found anew';
COMMENT ON COLUMN product_totals.change_day IS 'from here on more or fewer are negative';
CREATE INDEX product_totals_stale ON product_totals (product_id) WHERE stale;
CREATE INDEX product_totals_empty ON product_totals (product_id) WHERE reviews = 0;
CREATE INDEX product_totals_by_category ON product_totals (category);
CREATE INDEX product_totals_changed ON product_totals (p_value) WHERE p_value IS NOT NULL;

CREATE TABLE arrivals (
    model_version text COLLATE "C" NOT NULL,
    day date NOT NULL,
    sentiment text COLLATE "C" NOT NULL,
    confidence_bin smallint NOT NULL,
    reviews bigint NOT NULL,
    confidence_sum numeric NOT NULL,
    PRIMARY KEY (model_version, day, sentiment, confidence_bin)
);
COMMENT ON TABLE arrivals IS 'what each model says of the reviews that came on a day';
CREATE INDEX arrivals_empty ON arrivals (model_version) WHERE reviews = 0;

CREATE TABLE insight_models (
    model_version text COLLATE "C" PRIMARY KEY,
    noted_at timestamptz NOT NULL DEFAULT now(),
    origin text,
    sentiments bigint[],
    confidences bigint[],
    mean_confidence float8
);
COMMENT ON TABLE insight_models IS 'models at work, the newest last, and what each said when tried';
"""

_SORT_COLUMNS = ("reviews", "net_sentiment", "negative_share", "mean_rating", "mismatches")
_SORT_INDEXES = "".join(
    f"CREATE INDEX product_totals_{column}_{order} ON product_totals"
    f" ({column} {order} NULLS LAST, product_id);\n"
    for column in _SORT_COLUMNS
    for order in ("desc", "asc")
)

_DEFINER = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
_TRIGGERS = f"""
CREATE FUNCTION note_changed_reviews() RETURNS trigger {_DEFINER} AS $$
BEGIN
    INSERT INTO public.insight_changes (review_ids)
    SELECT array_agg(review_id) FROM (
        SELECT review_id, (row_number() OVER () - 1) / 5000 AS part FROM changed
    ) AS parts GROUP BY part;
    RETURN NULL;
END $$;

CREATE FUNCTION note_changed_categories() RETURNS trigger {_DEFINER} AS $$
BEGIN
    INSERT INTO public.insight_changes (product_ids)
    SELECT array_agg(product_id) FROM changed JOIN before USING (product_id)
    WHERE changed.category IS DISTINCT FROM before.category HAVING count(*) > 0;
    RETURN NULL;
END $$;

CREATE FUNCTION note_new_categories() RETURNS trigger {_DEFINER} AS $$
BEGIN
    INSERT INTO public.insight_changes (product_ids)
    SELECT array_agg(product_id) FROM changed WHERE category IS NOT NULL HAVING count(*) > 0;
    RETURN NULL;
END $$;

CREATE TRIGGER insights_after_insert AFTER INSERT ON reviews
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_changed_reviews();
CREATE TRIGGER insights_after_update AFTER UPDATE ON reviews
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_changed_reviews();
CREATE TRIGGER insights_after_delete AFTER DELETE ON reviews
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_changed_reviews();
CREATE TRIGGER insights_after_insert AFTER INSERT ON analyses
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_changed_reviews();
CREATE TRIGGER insights_after_update AFTER UPDATE ON analyses
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_changed_reviews();
-- not for those that go with their review, one statement each: the review's own deletion is noted
CREATE TRIGGER insights_after_delete AFTER DELETE ON analyses
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION note_changed_reviews();
CREATE TRIGGER insights_after_insert AFTER INSERT ON products
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_new_categories();
CREATE TRIGGER insights_after_update AFTER UPDATE ON products
    REFERENCING OLD TABLE AS before NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_changed_categories();
"""  # noqa: S608 - a constant of this module

# Creating the triggers blocks writers until this transaction ends, so that no change is missed.
_LOG_ALL_REVIEWS = """
INSERT INTO insight_changes (review_ids)
SELECT array_agg(review_id) FROM (
    SELECT review_id, (row_number() OVER () - 1) / 5000 AS part FROM reviews
) AS parts GROUP BY part
"""

_DROP = """
DROP TRIGGER insights_after_insert ON reviews;
DROP TRIGGER insights_after_update ON reviews;
DROP TRIGGER insights_after_delete ON reviews;
DROP TRIGGER insights_after_insert ON analyses;
DROP TRIGGER insights_after_update ON analyses;
DROP TRIGGER insights_after_delete ON analyses;
DROP TRIGGER insights_after_insert ON products;
DROP TRIGGER insights_after_update ON products;
DROP FUNCTION note_changed_reviews, note_changed_categories, note_new_categories;
DROP TABLE insight_models, arrivals, product_totals, segment_totals, segment_days,
    product_sources, product_days, review_facts, insight_changes;
"""


def upgrade() -> None:
    """Create tables and triggers, and log all existing reviews."""
    op.execute(_TABLES)
    op.execute(_SORT_INDEXES)
    op.execute(_TRIGGERS)
    op.execute(_LOG_ALL_REVIEWS)


def downgrade() -> None:
    """Drop triggers and tables."""
    op.execute(_DROP)
