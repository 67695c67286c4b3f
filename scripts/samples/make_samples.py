"""Write samples/: dumps in four formats with a planted problem and all kinds of invalid rows.

    python scripts/samples/make_samples.py [FOLDER]

The output is reproducible. expected.json has the counts that collection must report for each file.
"""

import gzip
import io
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from sample_reviews import (
    FAULT_PRODUCT,
    FAULT_START,
    PRODUCTS,
    Counts,
    Review,
    make_reviews,
)

from cdk.paths import ROOT


def _json_record(review: Review) -> dict[str, object]:
    return {
        "rating": float(review.rating), "title": review.title, "text": review.text, "images": [],
        "asin": review.product.id, "parent_asin": review.product.id,
        "user_id": review.reviewer, "timestamp": int(review.at.timestamp() * 1000),
        "helpful_vote": review.helpful, "verified_purchase": review.verified,
        "product_title": review.product.title, "main_category": review.product.category,
    }  # fmt: skip


def write_json_lines(reviews: list[Review], counts: Counts) -> bytes:
    """The main dump: gzipped JSON lines with most kinds of invalid rows."""
    rng = random.Random(1)
    lines: list[bytes] = []
    for review in reviews:
        lines.append(json.dumps(_json_record(review), ensure_ascii=rng.random() < 0.5).encode())
        counts.store()
    base = _json_record(reviews[0])

    def insert_variant(reason: str | None, line: int, **changes: object) -> None:
        record = {k: v for k, v in (base | changes).items() if v is not ...}
        lines.insert(line, json.dumps(record).encode())
        counts.reject(reason) if reason else counts.store()

    insert_variant("text_missing", 10, text="")
    insert_variant("text_missing", 25, text="   \n\t ")
    insert_variant("text_missing", 40, text=...)
    insert_variant("text_missing", 55, text=None)
    insert_variant(None, 70, rating=0, text="Not rated, but the kettle is fine.")
    insert_variant(None, 85, rating=7.0, text="Seven stars of five for this kettle.")
    insert_variant(None, 100, rating="lots", text="Lots of stars for this kettle.")
    insert_variant(
        None, 115, title="Markup", text="Lovely <b>kettle</b>,<br />fast &amp; quiet &#8212; 10/10."
    )
    insert_variant(
        None,
        130,
        title="Control",
        text="Strange\u0000 bytes\u0007 in the middle\u200b, fine kettle.",
    )
    insert_variant(None, 145, title="🔥🔥🔥", text="🔥🔥🔥 best kettle ever 🫖💯")
    insert_variant(
        None,
        160,
        title="Undated",
        text="No idea when I wrote this, still a good kettle.",
        timestamp="sometime in spring",
    )
    insert_variant(
        None, 175, title="No stars", text="I never give stars, the kettle is good.", rating=...
    )
    insert_variant(None, 190, title="The long story", text=_long_story())
    insert_variant(
        None, 205, title="Whitespace", text="Too   many\n\n\nblanks,\tbut a good kettle."
    )
    lines.insert(220, b'{"rating": 4.0, "title": "Cut off", "text": "This line ends too ear')
    counts.reject("malformed_record")
    lines.insert(235, b"this is not JSON at all")
    counts.reject("malformed_record")
    lines.insert(
        250,
        json.dumps(base | {"text": "Caf@ au lait from the kettle, tr@s bien."})
        .encode()
        .replace(b"@", b"\xe9"),
    )
    counts.store()
    lines.insert(265, b"")
    lines.insert(280, b"   ")
    for at in (300, 400, 500):
        lines.append(lines[at])
        counts.duplicate()
    stream = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as out:
        out.write(b"\n".join(lines) + b"\n")
    return stream.getvalue()


def _long_story() -> str:
    days = [
        f"On day {n} the kettle boiled {n % 5 + 1} times and I was content." for n in range(1, 90)
    ]
    return " ".join(days)


def write_csv(reviews: list[Review], counts: Counts) -> bytes:
    """A CSV file with semicolons, quotes and its own columns, which needs its mapping."""
    out = io.StringIO()
    out.write("Ref;Item;Item name;Group;Stars;Headline;What they said;Customer;Written on\n")

    def row(*values: object) -> None:
        out.write(";".join('"' + str(v).replace('"', '""') + '"' for v in values) + "\n")

    for review in reviews:
        p = review.product
        row(
            f"o-{review.number}",
            p.id,
            p.title,
            p.category,
            review.rating,
            review.title,
            review.text,
            review.reviewer,
            review.at.strftime("%d-%b-%y"),
        )
        counts.store()
    p = reviews[0].product
    row(
        "o-9001",
        p.id,
        p.title,
        p.category,
        5,
        "Quoted",
        'He said "it is fine", and\nthen it rained; we stayed dry.',
        "reader-900",
        "12-May-25",
    )
    counts.store()
    row(
        "o-9002",
        p.id,
        p.title,
        p.category,
        9,
        "Nine",
        "Nine stars from me.",
        "reader-901",
        "12-May-25",
    )
    counts.store()
    row("o-9003", p.id, p.title, p.category, 4, "Nothing to say", "", "reader-902", "13-May-25")
    counts.reject("text_missing")
    row(
        f"o-{reviews[0].number}",
        p.id,
        p.title,
        p.category,
        5,
        "Same id",
        "Sent twice by the export.",
        "reader-903",
        "14-May-25",
    )
    counts.duplicate()
    out.write("o-9004;too;few\n")
    counts.reject("malformed_record")
    return out.getvalue().encode()


CSV_MAPPING = {
    "review_id": "Ref", "product_id": "Item", "product_title": "Item name", "category": "Group",
    "rating": "Stars", "title": "Headline", "text": "What they said", "reviewer": "Customer",
    "date": "Written on", "source": "outdoor-shop",
}  # fmt: skip

TSV_COLUMNS = (  # noqa: SIM905 - shorter than a list of fifteen lines
    "marketplace customer_id review_id product_id product_parent product_title product_category "
    "star_rating helpful_votes total_votes vine verified_purchase review_headline review_body "
    "review_date"
).split()


def write_tsv(reviews: list[Review], counts: Counts) -> bytes:
    """The AWS layout: tabs and no quoting, so quotes have no special meaning."""
    lines = ["\t".join(TSV_COLUMNS)]

    def row(number: int, review: Review, rating: object, title: str, text: str) -> None:
        p = review.product
        values = (
            "UK",
            review.reviewer,
            f"RLK{number:05d}",
            p.id,
            "0",
            p.title,
            p.category,
            rating,
            review.helpful,
            review.helpful,
            "N",
            "Y" if review.verified else "N",
            title,
            text,
            review.at.strftime("%Y-%m-%d"),
        )
        lines.append("\t".join(map(str, values)))

    for review in reviews:
        row(review.number, review, review.rating, review.title, review.text)
        counts.store()
    first = reviews[0]
    row(90001, first, 5, 'The 12" pot', 'Makes 12" of foam, "barista style, and I love it.')
    counts.store()
    row(90002, first, 2, "Slashes", 'They call it \\\\"easy clean\\\\", it is<br />anything but.')
    counts.store()
    row(first.number, first, 3, "Same id again", "A second row under an id that is taken.")
    counts.duplicate()
    row(90003, first, "", "No rating", "The rating column is empty here, the pot is average.")
    counts.store()
    row(90004, first, 6, "Six", "Six out of five.")
    counts.store()
    lines.append("UK\tonly three\tcolumns")
    counts.reject("malformed_record")
    return ("\n".join(lines) + "\n").encode()


def write_blocks(reviews: list[Review], counts: Counts) -> bytes:
    """Multi-domain pseudo-XML in Latin-1 with bare ampersands."""
    out: list[str] = []

    def block(review: Review, title: str, text: str, rating: object) -> None:
        p = review.product
        fields = {
            "unique_id": f"{p.id}:{title[:20].lower().replace(' ', '_')}:{review.reviewer}",
            "asin": p.id, "product_name": p.title, "product_type": p.category,
            "helpful": f"{review.helpful} of {review.helpful + 1}", "rating": rating,
            "title": title, "date": f"{review.at:%B} {review.at.day}, {review.at.year}",
            "reviewer": review.reviewer, "reviewer_location": "", "review_text": text,
        }  # fmt: skip
        body = "\n".join(f"<{k}>\n{v}\n</{k}>" for k, v in fields.items())
        out.append(f"<review>\n{body}\n</review>")

    for review in reviews:
        text = review.text.replace("…", "...").encode("latin-1", "ignore").decode("latin-1")
        title = review.title.replace("…", "...").encode("latin-1", "ignore").decode("latin-1")
        block(review, title, text, f"{review.rating}.0")
        counts.store()
    first = reviews[0]
    block(
        first,
        "Drum & bass",
        "Drum & bass at the café sounded < crisp > to me, naïve as I am.",
        "5.0",
    )
    counts.store()
    block(first, "Empty", "", "4.0")
    counts.reject("text_missing")
    return "\n".join(out).encode("latin-1")


Writer = Callable[[list[Review], Counts], bytes]
FILES: dict[str, tuple[Writer, tuple[str, ...]]] = {
    "reviews.jsonl.gz": (write_json_lines, (
        "RL-KIT-01", "RL-KIT-02", "RL-OUT-01", "RL-AUD-01", "RL-AUD-02", "RL-OFF-01", "RL-OFF-02",
        "RL-OFF-03",
    )),
    "outdoor.csv": (write_csv, ("RL-OUT-02", "RL-OUT-03")),
    "kitchen.tsv": (write_tsv, ("RL-KIT-03",)),
    "audio.review": (write_blocks, ("RL-AUD-03",)),
}  # fmt: skip


def build() -> dict[str, bytes]:
    """All files of samples/ by name."""
    reviews = make_reviews()
    files: dict[str, bytes] = {}
    expected: dict[str, object] = {}
    for name, (writer, products) in FILES.items():
        counts = Counts()
        files[name] = writer([r for r in reviews if r.product.id in products], counts)
        expected[name] = {
            "rows_read": counts.read, "stored": counts.stored, "duplicates": counts.duplicates,
            "rejected": sum(counts.rejects.values()),
            "rejects_by_reason": dict(sorted(counts.rejects.items())),
        }  # fmt: skip
    files["outdoor.csv.mapping.json"] = (json.dumps(CSV_MAPPING, indent=1) + "\n").encode()
    problem = {
        "product_id": FAULT_PRODUCT,
        "begins": FAULT_START.date().isoformat(),
        "what": "hinge",
    }
    summary = {"files": expected, "products": len(PRODUCTS), "planted_problem": problem}
    files["expected.json"] = (json.dumps(summary, indent=1) + "\n").encode()
    return files


def main(argv: list[str]) -> int:
    """Write the files; returns the exit status."""
    folder = Path(argv[1]) if len(argv) > 1 else ROOT / "samples"
    folder.mkdir(exist_ok=True)
    for name, body in build().items():
        (folder / name).write_bytes(body)
        print(f"{len(body):>8} {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
