"""No input takes more than linear work: four times the bytes take about four times the CPU time.

These tests are the one exception to the rule that tests measure no time. Quadratic work hides in
functions written in C (normalization, regular expressions, copies of buffers), which calls or
instructions of Python do not show. Both sizes run in one process and only their ratio counts: CPU
time of this thread, so that other processes matter little, the least of several runs, and a bound
of one and a half times what linear work needs. A quadratic case has a ratio of 16.
"""

import gc
import io
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from lambdas.collection.reading import Limits, ReadOptions, read_dump
from lambdas.collection.reading.cleaning import TooComplexError, clean_text
from shared.aspects.mentions import find_mentions
from shared.duplicates.prints import text_print
from shared.errors import IngestError
from shared.language.understanding import language_of
from shared.runtime.emoji import replace_emoji
from shared.runtime.tokens import load_tokenizer, tokenise
from tests.unit.collection_reading.growth_cases import BODIES, FIELDS, UNITS, Build, texts

SIZE = 12 * 1024
GROWTH, MAX_RATIO, RUNS = 4, 6, 6
NEGLIGIBLE_SECONDS = 0.02
OPTIONS = ReadOptions(reviewer_key=b"k" * 32, limits=Limits(max_record_bytes=2**20))
TOKENIZER = load_tokenizer(Path("models/default/tokenizer.json"))


def cpu_seconds(work: Callable[[], object]) -> float:
    gc.disable()  # its work depends on all objects of the process
    try:
        before = time.thread_time()
        work()
        return time.thread_time() - before
    finally:
        gc.enable()


def check_growth(work: Callable[[int], Callable[[], object]], size: int = SIZE) -> None:
    small, large = work(size), work(GROWTH * size)
    least_small = least_large = float("inf")
    for _ in range(RUNS):
        least_small = min(least_small, cpu_seconds(small))
        least_large = min(least_large, cpu_seconds(large))
        if least_large < NEGLIGIBLE_SECONDS or least_large <= MAX_RATIO * least_small:
            return
    pytest.fail(f"{GROWTH} times the input takes {least_large / least_small:.1f} times the work")


def reading(build: Build) -> Callable[[int], Callable[[], object]]:
    def work(size: int) -> Callable[[], object]:
        body = build(size)

        def read() -> None:
            with suppress(IngestError):
                for _ in read_dump(io.BytesIO(body), name="dump", options=OPTIONS):
                    pass

        return read

    return work


@pytest.mark.parametrize("name", BODIES)
def test_reading_is_linear(name):
    check_growth(reading(BODIES[name]))


@pytest.mark.parametrize(("name", "build"), [*FIELDS.items(), *texts()])
def test_values_are_linear(name, build):
    check_growth(reading(build))


def cleaned(text: str) -> str:
    with suppress(TooComplexError):
        return clean_text(text)
    return ""


ANALYSES = {
    "clean": cleaned,
    "tokens": lambda text: tokenise(TOKENIZER, [text]),
    "language": lambda text: language_of(text, 0.0),
    "aspects": find_mentions,
    "prints": text_print,
    "emoji": replace_emoji,
}


@pytest.mark.parametrize("name", ANALYSES)
@pytest.mark.parametrize("unit", UNITS)
def test_texts_are_analysed_in_linear_time(name, unit):
    """Also a text that a caller of the API sends: it has 10,000 characters at most."""
    analyse = ANALYSES[name]

    def work(size: int) -> Callable[[], object]:
        text = "x" + unit * (size // len(unit))
        return lambda: analyse(text)

    check_growth(work, size=5000)
