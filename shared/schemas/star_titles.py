"""Titles that say only the stars, such as "Five Stars": shops write them for the reviewer."""

import re

_NUMBER = r"(?:[0-5](?:[.,]\d)?|zero|one|two|three|four|five)"
_OF_FIVE = r"\s*(?:out of|of|/)\s*(?:5|five)\b"
_STARS = re.compile(
    rf"\W*(?:(?:rating|rated|score)\W+)?{_NUMBER}(?:{_OF_FIVE}|(?:{_OF_FIVE})?[\s-]*stars?)\W*"
    rf"|\W*{_NUMBER}?\s*[\u2605\u2606\u2b50][\s\u2605\u2606\u2b50\ufe0f]*",
    re.IGNORECASE,
)


def says_only_stars(title: str) -> bool:
    """Whether a title repeats the rating and says nothing else.

    Its words would tell a model the label in training, and mislead it in serving where the text
    says something else ("Five Stars. It broke in a week.").
    """
    return _STARS.fullmatch(title) is not None
