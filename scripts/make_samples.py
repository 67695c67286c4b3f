"""Write samples/: dumps in four formats with a planted problem and flawed rows of each kind.

    python scripts/make_samples.py [FOLDER]

The same code gives the same bytes. expected.json says what collection must make of each file.
"""

import gzip
import io
import json
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from sample_texts import CATEGORIES, CLOSERS, FAULT, OPENERS

START = datetime(2024, 10, 1, tzinfo=UTC)
END = datetime(2026, 9, 30, tzinfo=UTC)
FAULT_PRODUCT = "RL-AUD-01"
FAULT_START = datetime(2026, 3, 16, tzinfo=UTC)


@dataclass(frozen=True)
class Product:
    """One product; ``mood`` is its share of negative, neutral and positive reviews."""

    id: str
    title: str
    short: str
    category: str
    reviews: int
    mood: tuple[float, float, float]


PRODUCTS = (
    Product("RL-KIT-01", "Copperline Kettle 1.7 l", "kettle", "Kitchen", 70, (0.10, 0.10, 0.80)),
    Product("RL-KIT-02", "Hearth Four-Slice Toaster", "toaster", "Kitchen", 55, (0.25, 0.20, 0.55)),
    Product("RL-KIT-03", "Morrow Espresso Pot", "espresso pot", "Kitchen", 45, (0.40, 0.20, 0.40)),
    Product("RL-OUT-01", "Fellside Two-Person Tent", "tent", "Outdoor", 60, (0.15, 0.15, 0.70)),
    Product("RL-OUT-02", "Larch Rucksack 45 l", "rucksack", "Outdoor", 55, (0.12, 0.13, 0.75)),
    Product("RL-OUT-03", "Tarn Sleeping Bag", "sleeping bag", "Outdoor", 45, (0.35, 0.25, 0.40)),
    Product("RL-AUD-01", "Wren Folding Headphones", "headphones", "Audio", 110, (0.06, 0.09, 0.85)),
    Product("RL-AUD-02", "Pebble Travel Speaker", "speaker", "Audio", 60, (0.20, 0.15, 0.65)),
    Product("RL-AUD-03", "Sparrow Earbuds", "earbuds", "Audio", 50, (0.50, 0.20, 0.30)),
    Product("RL-OFF-01", "Alder Standing Desk", "desk", "Home Office", 60, (0.12, 0.13, 0.75)),
    Product("RL-OFF-02", "Halo Desk Lamp", "lamp", "Home Office", 55, (0.15, 0.20, 0.65)),
    Product("RL-OFF-03", "Tiller Ergonomic Chair", "chair", "Home Office", 55, (0.30, 0.25, 0.45)),
)  # fmt: skip


@dataclass(frozen=True)
class Review:
    """One sample review."""

    number: int
    product: Product
    rating: int
    title: str
    text: str
    reviewer: str
    at: datetime
    verified: bool
    helpful: int


@dataclass
class Counts:
    """What collection must report for one file."""

    read: int = 0
    stored: int = 0
    duplicates: int = 0
    rejects: dict[str, int] = field(default_factory=dict)

    def reject(self, reason: str) -> None:
        """Count one refused row."""
        self.read += 1
        self.rejects[reason] = self.rejects.get(reason, 0) + 1

    def store(self) -> None:
        """Count one stored row."""
        self.read += 1
        self.stored += 1

    def duplicate(self) -> None:
        """Count one row that is there already."""
        self.read += 1
        self.duplicates += 1


def _sentences(rng: random.Random, product: Product, mood: str, *, faulty: bool) -> list[str]:
    aspects = list(CATEGORIES[product.category].values())
    rng.shuffle(aspects)
    body = [rng.choice(aspect[mood]) for aspect in aspects[: rng.choice((1, 1, 2, 2, 3))]]
    if mood == "neutral":
        other = rng.choice(("positive", "negative"))
        body.append(f"On the other hand: {_lowered(rng.choice(aspects[-1][other]))}")
    elif rng.random() < 0.2:  # a concession keeps the reader honest
        other = "negative" if mood == "positive" else "positive"
        concession = _lowered(rng.choice(aspects[-1][other])).rstrip(".")
        body.insert(0, f"True, {concession}, but that is not what matters.")
    if faulty:
        body = rng.sample(FAULT, k=rng.choice((1, 1, 2))) + body[:1]
    return body


def _lowered(sentence: str) -> str:
    head = sentence.split(" ", 1)[0]
    return sentence if head in ("I", "I'm", "My") else sentence[0].lower() + sentence[1:]


def _compose(rng: random.Random, product: Product, mood: str, *, faulty: bool) -> tuple[str, str]:
    opener = rng.choice(OPENERS[mood]).format(p=product.short)
    closer = rng.choice(CLOSERS[mood]).format(p=product.short)
    parts = _sentences(rng, product, mood, faulty=faulty)
    title = opener.rstrip(".") if rng.random() < 0.5 else _title(parts[-1])
    if rng.random() < 0.6 and not opener.startswith(title):
        parts.insert(0, opener)
    if closer and rng.random() < 0.6:
        parts.append(closer)
    return title, " ".join(parts)


def _title(sentence: str) -> str:
    words = sentence.rstrip(".").split()
    return " ".join(words[:5]).rstrip(",;:") + ("…" if len(words) > 5 else "")


def _when(rng: random.Random) -> datetime:
    return START + timedelta(seconds=rng.randrange(int((END - START).total_seconds())))


def make_reviews(seed: int = 20261124) -> list[Review]:
    """All reviews that must be stored, no two with the same text."""
    rng = random.Random(seed)
    texts: set[str] = set()
    reviews: list[Review] = []
    for product in PRODUCTS:
        for _ in range(product.reviews):
            at = _when(rng)
            faulty = product.id == FAULT_PRODUCT and at >= FAULT_START and rng.random() < 0.7
            mood = rng.choices(("negative", "neutral", "positive"), product.mood)[0]
            mood = "negative" if faulty else mood
            title, text = _compose(rng, product, mood, faulty=faulty)
            while text in texts:
                title, text = _compose(rng, product, mood, faulty=faulty)
            texts.add(text)
            rating = {
                "negative": rng.choice((1, 1, 2)),
                "neutral": 3,
                "positive": rng.choice((4, 5, 5)),
            }[mood]
            reviews.append(Review(
                number=len(reviews) + 1, product=product, rating=rating, title=title, text=text,
                reviewer=f"reader-{rng.randrange(1, 480):03d}", at=at,
                verified=rng.random() < 0.85, helpful=int(rng.expovariate(0.6)),
            ))  # fmt: skip
    return reviews


def _json_record(review: Review) -> dict[str, object]:
    return {
        "rating": float(review.rating), "title": review.title, "text": review.text, "images": [],
        "asin": review.product.id, "parent_asin": review.product.id,
        "user_id": review.reviewer, "timestamp": int(review.at.timestamp() * 1000),
        "helpful_vote": review.helpful, "verified_purchase": review.verified,
        "product_title": review.product.title, "main_category": review.product.category,
    }  # fmt: skip


def write_json_lines(reviews: list[Review], counts: Counts) -> bytes:
    """The main dump: JSON lines, gzipped, with most kinds of flaw."""
    rng = random.Random(1)
    lines: list[bytes] = []
    for review in reviews:
        lines.append(json.dumps(_json_record(review), ensure_ascii=rng.random() < 0.5).encode())
        counts.store()
    base = _json_record(reviews[0])

    def flaw(reason: str | None, at: int, **changes: object) -> None:
        record = {k: v for k, v in (base | changes).items() if v is not ...}
        lines.insert(at, json.dumps(record).encode())
        counts.reject(reason) if reason else counts.store()

    flaw("text_missing", 10, text="")
    flaw("text_missing", 25, text="   \n\t ")
    flaw("text_missing", 40, text=...)
    flaw("text_missing", 55, text=None)
    flaw("rating_out_of_range", 70, rating=0)
    flaw("rating_out_of_range", 85, rating=7.0)
    flaw("rating_invalid", 100, rating="five")
    flaw(
        None, 115, title="Markup", text="Lovely <b>kettle</b>,<br />fast &amp; quiet &#8212; 10/10."
    )
    flaw(
        None,
        130,
        title="Control",
        text="Strange\u0000 bytes\u0007 in the middle\u200b, fine kettle.",
    )
    flaw(None, 145, title="🔥🔥🔥", text="🔥🔥🔥 best kettle ever 🫖💯")
    flaw(
        None,
        160,
        title="Undated",
        text="No idea when I wrote this, still a good kettle.",
        timestamp="sometime in spring",
    )
    flaw(None, 175, title="No stars", text="I never give stars, the kettle is good.", rating=...)
    flaw(None, 190, title="The long story", text=_long_story())
    flaw(None, 205, title="Whitespace", text="Too   many\n\n\nblanks,\tbut a good kettle.")
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
    """Semicolons, quotes and columns of its own: needs the mapping beside it."""
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
    counts.reject("rating_out_of_range")
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

TSV_COLUMNS = (  # noqa: SIM905 - a list of fifteen lines says no more
    "marketplace customer_id review_id product_id product_parent product_title product_category "
    "star_rating helpful_votes total_votes vine verified_purchase review_headline review_body "
    "review_date"
).split()


def write_tsv(reviews: list[Review], counts: Counts) -> bytes:
    """The AWS layout: tabs, no quoting, so a lone quote means nothing."""
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
    counts.reject("rating_out_of_range")
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
    """Write the files."""
    folder = Path(argv[1]) if len(argv) > 1 else Path(__file__).parent.parent / "samples"
    folder.mkdir(exist_ok=True)
    for name, body in build().items():
        (folder / name).write_bytes(body)
        print(f"{len(body):>8} {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
