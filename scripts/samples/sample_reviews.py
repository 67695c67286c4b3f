"""The invented sample reviews: twelve products, two years, one planted problem."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

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
    """The counts that collection must report for one file."""

    read: int = 0
    stored: int = 0
    duplicates: int = 0
    rejects: dict[str, int] = field(default_factory=dict)

    def reject(self, reason: str) -> None:
        """Count one rejected row."""
        self.read += 1
        self.rejects[reason] = self.rejects.get(reason, 0) + 1

    def store(self) -> None:
        """Count one stored row."""
        self.read += 1
        self.stored += 1

    def duplicate(self) -> None:
        """Count one duplicate row."""
        self.read += 1
        self.duplicates += 1


def _sentences(rng: random.Random, product: Product, mood: str, *, faulty: bool) -> list[str]:
    aspects = list(CATEGORIES[product.category].values())
    rng.shuffle(aspects)
    body = [rng.choice(aspect[mood]) for aspect in aspects[: rng.choice((1, 1, 2, 2, 3))]]
    if mood == "neutral":
        other = rng.choice(("positive", "negative"))
        body.append(f"On the other hand: {_lower_first(rng.choice(aspects[-1][other]))}")
    elif rng.random() < 0.2:  # some reviews contain an opposite sentiment
        other = "negative" if mood == "positive" else "positive"
        concession = _lower_first(rng.choice(aspects[-1][other])).rstrip(".")
        body.insert(0, f"True, {concession}, but that is not what matters.")
    if faulty:
        body = rng.sample(FAULT, k=rng.choice((1, 1, 2))) + body[:1]
    return body


def _lower_first(sentence: str) -> str:
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


def _random_time(rng: random.Random) -> datetime:
    return START + timedelta(seconds=rng.randrange(int((END - START).total_seconds())))


def make_reviews(seed: int = 20261124) -> list[Review]:
    """All valid reviews, with unique texts."""
    rng = random.Random(seed)
    texts: set[str] = set()
    reviews: list[Review] = []
    for product in PRODUCTS:
        for _ in range(product.reviews):
            at = _random_time(rng)
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
