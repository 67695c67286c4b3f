"""Write shared/aspects/english.lexicon: the usual class of English words.

    python scripts/model/aspect_lexicon.py textblob-*.whl

Made of Eric Brill's lexicon (1993, MIT licence) as the wheel of textblob brings it: names, foreign
words, plurals, forms that end in -ly, -ing or -ed and words with a hyphen are left out, for rules
tell those.
"""

import argparse
import re
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

TARGET = Path(__file__).resolve().parents[2] / "shared" / "aspects" / "english.lexicon"
MEMBER = "textblob/en/en-english.lexicon"
CLASSES = {
    **dict.fromkeys(("VB", "VBP", "VBZ", "VBD", "VBN"), "v"),
    **dict.fromkeys(("JJ", "JJR", "JJS"), "j"),
    **dict.fromkeys(("RB", "RBR", "RBS"), "r"),
    **dict.fromkeys(("NN",), "n"),
    **dict.fromkeys(("VBG",), "g"),
}
NAMES = {"NNP", "NNPS", "FW", "SYM", "NNS"}
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
    with zipfile.ZipFile(wheel) as opened:
        entries = dict(_entries(opened.read(MEMBER).decode()))
    by_class: dict[str, list[str]] = {}
    for word, told in entries.items():
        by_class.setdefault(told, []).append(word)
    lines = [f"{told} {' '.join(sorted(words))}" for told, words in sorted(by_class.items())]
    TARGET.write_text(HEAD + "\n".join(lines) + "\n")
    print(f"{TARGET.name}: {len(entries)} words")
    return 0


def _entries(lexicon: str) -> Iterator[tuple[str, str]]:
    for line in lexicon.splitlines():
        word, _, tag = line.partition(" ")
        if line.startswith(";;;") or tag in NAMES or not re.fullmatch(r"[a-z]{2,20}", word):
            continue
        told = CLASSES.get(tag, "f")
        by_rule = (("ly", "r"), ("ing", "g"), ("ed", "v"))
        if any(word.endswith(end) and told == kind and len(word) > 5 for end, kind in by_rule):
            continue
        yield word, told


if __name__ == "__main__":
    sys.exit(main())
