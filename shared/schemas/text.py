"""Whether a text has anything to read."""

_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters that count as letters or symbols, but show nothing."""
_COMBINING_SELECTORS = frozenset(map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10))))


def has_visible_characters(text: str) -> bool:
    """Whether a text has a character that is neither white space nor invisible."""
    return any(map(_is_visible, text))


def _is_visible(character: str) -> bool:
    return (
        character.isprintable()
        and not character.isspace()
        and character not in _INVISIBLE
        and character not in _COMBINING_SELECTORS
    )
