"""A new stack for each test that damages it."""

from contextlib import ExitStack

import pytest

from tests.e2e.stack import temporary_stack


@pytest.fixture
def new_stack():
    """``new_stack(SETTING="…")``: a stack for one test, not started yet."""
    with ExitStack() as cleanup:
        yield lambda **settings: cleanup.enter_context(temporary_stack(**settings))
