"""Contrast rows: short generated reviews, each beside a twin with another or the same label.

``train`` and ``test`` hold the word lists and sentence frames of the two parts, which share
neither; ``words`` and ``frames`` read them, ``fill`` writes a frame out, and ``generate`` makes
the rows of a part.
"""
