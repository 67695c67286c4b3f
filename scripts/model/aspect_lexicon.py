"""Write shared/aspects/english.lexicon: the most common word class of English words.

    python scripts/model/aspect_lexicon.py textblob-*.whl

The source is Eric Brill's lexicon (1993, MIT licence) in the wheel of textblob. Names, foreign
words, plurals, regular forms in -ly, -ing and -ed, and words with a hyphen are omitted: rules
classify them.
"""

import argparse
import re
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from cdk.paths import ROOT

TARGET = ROOT / "shared" / "aspects" / "english.lexicon"
MEMBER = "textblob/en/en-english.lexicon"
CLASSES = {
    **dict.fromkeys(("VB", "VBP", "VBZ", "VBD", "VBN"), "v"),
    **dict.fromkeys(("JJ", "JJR", "JJS"), "j"),
    **dict.fromkeys(("RB", "RBR", "RBS"), "r"),
    **dict.fromkeys(("NN",), "n"),
    **dict.fromkeys(("VBG",), "g"),
}
"""Part-of-speech tag → word class; other tags have the class f."""
OMITTED_TAGS = {"NNP", "NNPS", "FW", "SYM", "NNS"}
_SUFFIX_RULES = (("ly", "r"), ("ing", "g"), ("ed", "v"))
HEAD = """\
# The usual class of English words: n noun, v verb, j adjective, r adverb, g -ing, f other.
# From Eric Brill's lexicon, Copyright 1993 by the Massachusetts Institute of Technology and the
# University of Pennsylvania, all rights reserved, MIT licence; scripts/model/aspect_lexicon.py.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file; returns the exit status."""
    parser = argparse.ArgumentParser(description="Write the lexicon of shared/aspects.")
    parser.add_argument("wheel", type=Path)
    wheel = parser.parse_args(arguments).wheel
    with zipfile.ZipFile(wheel) as archive:
        entries = dict(_entries(archive.read(MEMBER).decode()))
    by_class: dict[str, list[str]] = {}
    for word, word_class in entries.items():
        by_class.setdefault(word_class, []).append(word)
    lines = [f"{name} {' '.join(sorted(words))}" for name, words in sorted(by_class.items())]
    TARGET.write_text(HEAD + "\n".join(lines) + "\n")
    print(f"{TARGET.name}: {len(entries)} words")
    return 0


def _entries(lexicon: str) -> Iterator[tuple[str, str]]:
    for line in lexicon.splitlines():
        word, _, tag = line.partition(" ")
        if line.startswith(";;;") or tag in OMITTED_TAGS or not re.fullmatch(r"[a-z]{2,20}", word):
            continue
        word_class = CLASSES.get(tag, "f")
        if len(word) <= 5 or not _follows_rule(word, word_class):
            yield word, word_class


def _follows_rule(word: str, word_class: str) -> bool:
    return any(word.endswith(suffix) and word_class == name for suffix, name in _SUFFIX_RULES)


if __name__ == "__main__":
    sys.exit(main())
