"""Which column of a dump is which field of a review."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared.errors import IngestError
from shared.schemas.review import DUMP_FIELDS

FIELDS = tuple(field.dump_name for field in DUMP_FIELDS if field.dump_name is not None)
"""Names of fields in mappings."""


@dataclass(frozen=True)
class Schema:
    """One family of dumps: its name, and the column (or columns, in order of preference)."""

    name: str
    columns: Mapping[str, tuple[str, ...]]
    constant_source: str | None = None
    no_text: frozenset[str] = field(default_factory=frozenset)
    """Texts that mean a missing text."""
    own_ids: bool = False
    """Whether review_id is unique among reviews of this source."""


def _schema(
    name: str,
    *,
    own_ids: bool = False,
    no_text: Iterable[str] = (),
    **columns: str | tuple[str, ...],
) -> Schema:
    return Schema(
        name=name,
        columns={k: (v,) if isinstance(v, str) else v for k, v in columns.items()},
        no_text=frozenset(no_text),
        own_ids=own_ids,
    )


AMAZON_2014 = _schema(
    "amazon2014", text="reviewText", rating="overall", title="summary", product_id="asin",
    reviewer="reviewerID", date=("unixReviewTime", "reviewTime"), helpful_votes="helpful",
    brand="brand",
)  # fmt: skip
AMAZON_2018 = _schema(
    "amazon2018", text="reviewText", rating="overall", title="summary", product_id="asin",
    reviewer="reviewerID", date=("unixReviewTime", "reviewTime"), verified="verified",
    helpful_votes="vote", brand="brand",
)  # fmt: skip
AMAZON_2023 = _schema(
    "amazon2023", text="text", rating="rating", title="title", product_id=("parent_asin", "asin"),
    product_title="product_title", category=("main_category", "category"), reviewer="user_id",
    date=("timestamp", "sort_timestamp"), verified="verified_purchase",
    helpful_votes=("helpful_vote", "helpful_votes"), brand="brand",
)  # fmt: skip
AWS_TSV = _schema(
    "aws-tsv", own_ids=True, no_text=("None",), text="review_body", rating="star_rating",
    title="review_headline", product_id="product_id", product_title="product_title",
    category="product_category", reviewer="customer_id", date="review_date",
    review_id="review_id", verified="verified_purchase", helpful_votes="helpful_votes",
)  # fmt: skip
MULTIDOMAIN = _schema(
    "multidomain", text="review_text", rating="rating", title="title", product_id="asin",
    product_title="product_name", category="product_type", reviewer="reviewer", date="date",
    helpful_votes="helpful",
)  # fmt: skip
DATAFINITI = _schema(
    "datafiniti", text="reviews.text", rating="reviews.rating", title="reviews.title",
    product_id="id", product_title="name", category=("primaryCategories", "categories"),
    reviewer="reviews.username", date="reviews.date", helpful_votes="reviews.numHelpful",
    brand="brand",
)  # fmt: skip
FLIPKART = _schema(
    "flipkart", text="Summary", rating="Rate", title="Review",
    product_title=("product_name", "ProductName"),
)  # fmt: skip

_MARKS = (
    (AWS_TSV, {"review_body", "star_rating", "review_id"}),
    (DATAFINITI, {"reviews.text", "reviews.rating"}),
    (MULTIDOMAIN, {"review_text", "asin", "rating", "unique_id"}),
    (MULTIDOMAIN, {"review_text", "asin", "rating", "product_type"}),
    (AMAZON_2023, {"text", "rating", "user_id", "asin"}),
    (AMAZON_2023, {"text", "rating", "parent_asin"}),
    (FLIPKART, {"Summary", "Rate", "Review"}),
)

WELL_KNOWN: Mapping[str, tuple[str, ...]] = {
    "text": (
        "text", "review", "reviews", "reviewtext", "reviewbody", "reviewcontent", "body",
        "content", "comment", "verifiedreviews", "reviewstext", "reviewdescription",
    ),
    "rating": ("rating", "ratings", "stars", "starrating", "reviewrating", "score", "overall"),
    "title": ("title", "reviewtitle", "summary", "headline", "reviewheadline", "reviewsummary"),
    "product_id": (
        "productid", "asin", "clothingid", "itemid", "sku", "businessid", "gmapid", "bookid",
        "appid",
    ),
    "product_title": ("productname", "producttitle", "appname"),
    "category": ("category", "productcategory", "classname", "variation"),
    "brand": ("brand", "brandname"),
    "reviewer": (
        "reviewer", "reviewerid", "userid", "username", "customerid", "author", "authorid",
    ),
    "date": (
        "date", "reviewdate", "reviewtime", "timestamp", "createdat", "reviewedat",
        "unixreviewtime", "time", "at", "dateadded", "timestampcreated", "submissiontime",
    ),
    "review_id": ("reviewid",),
    "verified": ("verified", "verifiedpurchase"),
    "helpful_votes": (
        "helpfulvotes", "helpfulvote", "vote", "votes", "positivefeedbackcount", "useful",
        "usefulcount", "thumbsupcount", "votehelpful", "voteshelpful", "nvotes",
        "helpfulnessnumerator", "totalposfeedbackcount",
    ),
}  # fmt: skip
"""Column names known without a mapping, in lower case, letters and digits only."""


def normalise(name: str) -> str:
    """Column name without case, white space and punctuation."""
    return "".join(c for c in name.lower() if c.isalnum())


def choose_schema(columns: Iterable[str], mapping: Mapping[str, str] | None) -> Schema:
    """Find how to read a dump with these columns.

    Raises:
        IngestError: mapping_invalid or schema_unknown; the message lists the columns of the dump.
    """
    names = [str(column) for column in columns]
    if mapping is not None:
        return _mapped(names, mapping)
    present = set(names)
    for schema, marks in _MARKS:
        if marks <= present:
            return schema
    if {"reviewText", "overall"} <= present or {"reviewerID", "overall", "asin"} <= present:
        newer = present & {"verified", "vote", "style", "image"}
        return AMAZON_2018 if newer else AMAZON_2014
    return _guessed(names)


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:40])
    return shown + (f" and {len(names) - 40} more" if len(names) > 40 else "")


def _mapped(names: list[str], mapping: Mapping[str, str]) -> Schema:
    unknown = sorted(set(mapping) - set(FIELDS))
    if unknown:
        raise IngestError(
            "mapping_invalid",
            f"the mapping has unknown fields {_listed(unknown)}; fields are {', '.join(FIELDS)}",
        )
    if "text" not in mapping:
        raise IngestError("mapping_invalid", "the mapping must name the column of the text")
    columns: dict[str, tuple[str, ...]] = {}
    source: str | None = None
    for name, column in mapping.items():
        actual = _column(names, column)
        if actual is not None:
            columns[name] = (actual,)
        elif name == "source":
            source = column  # a name for the whole dump
        else:
            raise IngestError(
                "mapping_invalid",
                f"the mapping takes {name} from {column!r}, which is not a column of the dump; "
                f"its columns are {_listed(names)}",
                details={"column": column, "columns": names[:100]},
            )
    return Schema("mapped", columns, constant_source=source, own_ids="review_id" in columns)


def _column(names: list[str], name: str) -> str | None:
    """The column with this name, or the only one that differs in case or spaces."""
    if name in names:
        return name
    alike = [n for n in names if n.strip().lower() == name.strip().lower()]
    return alike[0] if len(alike) == 1 else None


def _guessed(names: list[str]) -> Schema:
    columns: dict[str, tuple[str, ...]] = {}
    for name, known in WELL_KNOWN.items():
        candidates = [n for n in names if normalise(n) in known]
        if len(candidates) == 1:
            columns[name] = (candidates[0],)
        elif candidates and name in ("text", "rating"):
            raise _unknown(names, f"several columns could be the {name}: {_listed(candidates)}")
    if "text" not in columns:
        raise _unknown(names, "no column is known to hold the text")
    return Schema("mapped", columns, own_ids="review_id" in columns)


def _unknown(names: list[str], reason: str) -> IngestError:
    return IngestError(
        "schema_unknown",
        f"{reason}; the columns are {_listed(names)}. Map them with "
        "--map text=COLUMN,rating=COLUMN",
        details={"columns": names[:100]},
    )
