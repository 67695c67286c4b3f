"""Leaves out addresses, which say nothing about a product but move the answer of a model."""

import re

_ADDRESS = re.compile(
    r"""
    (?<!\w)(?:https?://|www\.)[^\s<>"]+        # a link
    | (?<![\w.+%-])[\w.+%-]{1,64}@[\w-]+\.[\w.-]+  # an e-mail address
    | (?<![\w@.])@\w{2,}                       # the handle of a user
    """,
    re.VERBOSE | re.IGNORECASE,
)
_MARKS_OF_SENTENCE = ".,;:!?)]}'\u2019\u201d"
"""Characters that end a sentence rather than the link before them."""


def blank_addresses(text: str) -> str:
    """Replace links, e-mail addresses and handles by as many spaces: positions stay the same.

    A text that consists only of addresses stays as it is.
    """
    if "@" not in text and "://" not in text and "www." not in text.lower():
        return text
    blanked = _ADDRESS.sub(_spaces, text)
    return blanked if re.search(r"\w", blanked) else text


def _spaces(match: re.Match[str]) -> str:
    address = match[0]
    end = len(address.rstrip(_MARKS_OF_SENTENCE))
    return " " * end + address[end:]
