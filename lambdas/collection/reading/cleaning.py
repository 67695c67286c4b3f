"""Cleans text: removes markup, entities, control characters and superfluous white space."""

import html
import re
import unicodedata

from lambdas.collection.reading.records import Bad
from shared.schemas.ingest import RejectReason
from shared.schemas.text import (
    MAX_UNCOUNTED_CHARACTERS,
    excess_of_marks,
    has_visible_characters,
)

_VIDEO = re.compile(
    r"\[\[\s*(?:VIDEO|ASIN|IMAGE|REVIEW)[A-Z]*ID\s*:[^\]\[]{0,80}\]\]", re.IGNORECASE
)
_ASIN_LINK = re.compile(r"\[\[ASIN:\w{1,20}\s+([^\]\[]{0,500})\]\]", re.IGNORECASE)
# only plain HTML: the name of a known element, then nothing, a slash or attributes
_TAG = re.compile(
    r"</?(?:a|abbr|b|big|blockquote|body|br|center|code|div|em|font|h[1-6]|head|hr|html|i|iframe|img"
    r"|input|ins|label|li|link|meta|object|ol|option|p|param|pre|q|s|script|section|small|span|strike"
    r"|strong|style|sub|sup|table|tbody|td|th|thead|title|tr|tt|u|ul|video|embed)"
    r"(?:\s*/?|\s+[\w:-]{1,40}\s*=[^<>]{0,2000})>",
    re.IGNORECASE | re.DOTALL,
)
_MAX_COMMENT_CHARACTERS = 500
_MAX_GROWTH = 1.5
"""Of a long text when it is normalized: some signs grow, but texts of no language do."""
# only with the semicolon: "AT&T" and "Q&notes" contain no entities
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_BREAK = re.compile(r"</?(?:br|p|div|li|tr|td|h[1-6]|hr|ul|ol|table|blockquote)\b", re.IGNORECASE)
_ESCAPED_QUOTE = re.compile(r"(?<!\\)\\+([\"'])")
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\u200e\u200f\u202a-\u202e\ufeff"
    r"\ufff9-\ufffb\ud800-\udfff\ufffe\uffff]"
)
_PRINTABLE = bytes(range(0x20, 0x7F))
_SURROGATES = re.compile(r"[\ud800-\udfff]")


class TooComplexError(Exception):
    """A value would take more work than the budget of a record allows; ``bad`` is the reject."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.bad = Bad(RejectReason.TOO_COMPLEX, detail)


def clean_text(text: str) -> str:
    """Clean a review's text, a title or a product's name.

    Entities are decoded, HTML tags and ``[[VIDEOID:…]]`` markers removed, backslashes before
    quotes dropped, control and invisible characters removed, the rest is NFC with single spaces.
    ``5 <3`` and ``a < b > c`` are not tags and stay.

    Raises:
        TooComplexError: it has too many combining marks.
    """
    # most reviews are plain: a few substring searches cost far less than one regular expression
    if not text.isascii() or "&" in text or "<" in text or "\\" in text or "[[" in text:
        return _clean_slowly(text)
    if _is_plain(text):
        return _single_spaces(text)
    spaced = " ".join(text.split())
    return spaced if _is_plain(spaced) else _clean_slowly(text)


def _is_plain(text: str) -> bool:
    """Whether it has only printable characters and spaces."""
    # for ASCII text a translation table is four times as fast
    return not text.encode().translate(None, _PRINTABLE) if text.isascii() else text.isprintable()


def _single_spaces(plain: str) -> str:
    while "  " in plain:
        plain = plain.replace("  ", " ")
    return plain.strip(" ")


def _clean_slowly(text: str) -> str:
    if "&" in text:
        text = _ENTITY.sub(_decoded, text)
        if "&" in text:  # some dumps escaped twice
            text = _ENTITY.sub(_decoded, text)
    if "[[" in text:
        text = _VIDEO.sub(" ", text)
        text = _ASIN_LINK.sub(r"\1", text)
    if "<" in text:
        text = _strip_tags(text)
    if "\\" in text:
        text = _ESCAPED_QUOTE.sub(r"\1", text)
    if not has_visible_characters(text):
        return ""
    plain = _is_plain(text)
    text = _single_spaces(text) if plain else " ".join(text.split())
    if plain or _is_plain(text):
        return text if text.isascii() else _normalized(text)
    return " ".join(_tidy_unicode(text).split())


def _decoded(entity: re.Match[str]) -> str:
    return html.unescape(entity[0])


def _strip_tags(text: str) -> str:
    if "-->" in text:
        text = _strip_comments(text)
    return _TAG.sub(lambda tag: " " if _BREAK.match(tag.group()) else "", text)


def _strip_comments(text: str) -> str:
    parts = []
    position = 0
    while (start := text.find("<!--", position)) >= 0:
        end = text.find("-->", start + 4, start + 7 + _MAX_COMMENT_CHARACTERS)
        parts.append(text[position : start if end >= 0 else start + 4])
        position = end + 3 if end >= 0 else start + 4
    return "".join((*parts, text[position:]))


def _tidy_unicode(text: str) -> str:
    if _SURROGATES.search(text):
        # JSON may write one character as two escaped surrogates: join matching pairs
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _normalized(_INVISIBLE.sub("", text))


def _normalized(text: str) -> str:
    if excess := excess_of_marks(text):
        raise TooComplexError(f"a value has {excess}")
    # also is_normalized sorts the marks of a text that has any
    if unicodedata.is_normalized("NFC", text):
        return text
    normalized = unicodedata.normalize("NFC", text)
    if len(text) > MAX_UNCOUNTED_CHARACTERS:
        before, after = (len(each.encode()) for each in (text, normalized))
        if after > before * _MAX_GROWTH:
            raise TooComplexError(f"a value of {before} bytes has {after} once it is normalized")
    return normalized


def storable(text: str) -> str:
    """Remove NULs and replace lone surrogates, which UTF-8 and PostgreSQL do not accept."""
    if text.isascii():
        return text.replace("\0", "") if "\0" in text else text
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\0", "") if "\0" in text else text
