"""No input takes more than linear work: four times the bytes take about four times the CPU time.

These tests are the one exception to the rule that tests measure no time. Quadratic work hides in
functions written in C (normalization, regular expressions, copies of buffers), which calls or
instructions of Python do not show. Both sizes run in one process and only their ratio counts: CPU
time of this thread, so that other processes matter little, and a bound of one and a half times what
linear work needs. A quadratic case has a ratio of 16. A shared processor may be twice as fast for a
moment, so a ratio compares two runs that follow each other, never the best ones of two moments, and
a ratio above the bound is measured again until the median tells. The small input is read four times
where the large one is read once, so that a disturbance meets either as often.
"""

import gc
import io
import itertools
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lambdas.collection.reading import Limits, ReadOptions, read_dump
from lambdas.collection.reading.cleaning import TooComplexError, clean_text
from shared.aspects.mentions import find_mentions
from shared.duplicates.prints import text_print
from shared.errors import IngestError
from shared.language.understanding import language_of
from shared.runtime.addresses import blank_addresses
from shared.runtime.emoji import replace_emoji
from shared.runtime.identities import replace_identities
from shared.runtime.tokens import load_tokenizer, tokenise
from tests.unit.collection_reading.growth_cases import BODIES, FIELDS, UNITS, Build, texts

SIZE = 12 * 1024
GROWTH, MAX_RATIO, RUNS = 4, 6, 15
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


def check_growth(
    work: Callable[[int], Callable[[], object]],
    size: int = SIZE,
    seconds: Callable[[Callable[[], object]], float] = cpu_seconds,
) -> None:
    small, large = work(size), work(GROWTH * size)
    small()  # the first run fills caches, and a small size that seems slow would hide growth

    def read_as_much() -> None:
        for _ in range(GROWTH):
            small()

    ratios: list[float] = []
    while len(ratios) < RUNS:
        taken = seconds(large)
        if taken < NEGLIGIBLE_SECONDS:
            return
        ratios.append(GROWTH * taken / seconds(read_as_much))
        if statistics.median(ratios) <= MAX_RATIO:
            return
    pytest.fail(f"{GROWTH} times the input takes {statistics.median(ratios):.1f} times the work")


def reading(build: Build) -> Callable[[int], Callable[[], object]]:
    def work(size: int) -> Callable[[], object]:
        body = build(size)

        def read() -> None:
            with suppress(IngestError):
                for _ in read_dump(io.BytesIO(body), name="dump", options=OPTIONS):
                    pass

        return read

    return work


def quadratic(size: int) -> Callable[[], object]:
    return lambda: [sum(range(size)) for _ in range(size // 16)]


def test_quadratic_work_is_found():
    with pytest.raises(pytest.fail.Exception, match="times the work"):
        check_growth(quadratic, size=2500)


def seconds_at(speeds: Iterable[float], power: int) -> Callable[[Callable[[], object]], float]:
    """Seconds that each work takes at its speed, if it needs its size to a power."""
    works = zip(itertools.cycle([GROWTH**power, GROWTH]), speeds, strict=False)

    def seconds(_work: Callable[[], object]) -> float:
        amount, speed = next(works)
        return amount / speed

    return seconds


def steady(*first: float) -> Iterator[float]:
    return itertools.chain(first, itertools.repeat(1.0))


def test_a_faster_moment_of_the_machine_is_not_growth():
    check_growth(quadratic, size=16, seconds=seconds_at(steady(1.0, 2.0), power=1))


@pytest.mark.parametrize("speeds", [steady(), steady(1.0, 2.0), steady(2.0, 1.0)])
def test_growth_is_found_whatever_the_speed_of_the_machine(speeds):
    with pytest.raises(pytest.fail.Exception, match=r"takes 16\.0 times the work"):
        check_growth(quadratic, size=16, seconds=seconds_at(speeds, power=2))


def calls(work: Callable[[], object]) -> int:
    """How many functions the work calls, which is the same for every run."""
    count = 0

    def record(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(record)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_the_work_for_a_member_does_not_depend_on_how_many_came_before(kind):
    work = reading(BODIES[kind])
    work(SIZE)()
    assert calls(work(GROWTH * SIZE)) <= 1.1 * GROWTH * calls(work(SIZE))


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
    "addresses": blank_addresses,
    "identities": replace_identities,
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
