"""Captions and prompts in several wordings, from the attributes of a product."""

import re

from sagemaker_jobs.pictures.products import Product

_SINGULARS = {
    "Tshirts": "t-shirt",
    "Lounge Tshirts": "lounge t-shirt",
    "Scarves": "scarf",
    "Watches": "watch",
    "Dresses": "dress",
    "Clutches": "clutch",
    "Baby Dolls": "baby doll nightdress",
}
_PAIRS = re.compile(
    r"\b(shoes|sandals|heels|flats|flip flops|booties|socks|stockings|gloves|earrings|cufflinks|"
    r"sunglasses|jeans|trousers|shorts|pants|leggings|jeggings|tights|capris|briefs|boxers|"
    r"wristbands|suspenders|laces)$"
)
"""Types that stay plural."""
_WITHOUT_SINGULAR = re.compile(r"(ss|us|is)$")
_PEOPLE = {"Men": "men", "Women": "women", "Boys": "boys", "Girls": "girls", "Unisex": ""}
_UNKNOWN_COLOURS = {"", "Multi"}
_MANY_COLOURS = "multicoloured"

PROMPTS = (
    "{type}",
    "{plain}",
    "a picture of {article}",
    "this is {article}",
    "{article} on a white background",
    "product picture: {type}",
)
"""Texts of an article type for zero-shot classification; their mean is its vector."""
TYPE_CAPTIONS = 2
"""The last captions of a product, which name its type alone."""


def singular(article_type: str) -> str:
    """The name of an article type as one says it of one piece."""
    if article_type in _SINGULARS:
        return _SINGULARS[article_type]
    name = article_type.lower()
    if _PAIRS.search(name) or _WITHOUT_SINGULAR.search(name) or not name.endswith("s"):
        return name
    return name[:-1]


def with_article(name: str) -> str:
    """The name with "a" or "an", or with "a pair of"."""
    if _PAIRS.search(name):
        return f"a pair of {name}"
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def prompts(article_type: str) -> list[str]:
    """The prompts of an article type."""
    plain = singular(article_type)
    return [
        prompt.format(type=article_type.lower(), plain=plain, article=with_article(plain))
        for prompt in PROMPTS
    ]


def captions(product: Product) -> list[str]:
    """Captions of a product, as many for every product; what is unknown is left out."""
    name = singular(product.type)
    colour = _MANY_COLOURS if product.colour == "Multi" else product.colour.lower()
    people = _PEOPLE.get(product.gender, product.gender.lower())
    use = product.use.lower()
    coloured = _words(colour, name)
    for_people = f"for {people}" if people else ""
    known = product.colour not in _UNKNOWN_COLOURS
    return [
        coloured,
        _words("a photo of", with_article(coloured), for_people),
        _words(f"{people}'s" if people else "", use, name, f"in {colour}" if colour else ""),
        _words(with_article(_words(use, name)), for_people),
        ", ".join(part for part in (product.type.lower(), colour, people, use) if part),
        _words("the", name, f"is {colour}" if known else "", for_people),
        _words("I bought", with_article(coloured), for_people),
        _words(people, product.colour.lower(), product.type.lower()),
        with_article(name),
        _words(product.type.lower(), "for sale"),
    ]


def _words(*parts: str) -> str:
    return " ".join(part for part in parts if part)
