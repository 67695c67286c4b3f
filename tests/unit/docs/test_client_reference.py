"""The reference of the client lists every module whose functions are methods."""

import pkgutil
from pathlib import Path

import reviewlens.operations

PAGE = Path(__file__).resolve().parents[3] / "docs/reference/client.md"


def test_every_module_of_operations_is_in_the_reference():
    modules = {
        f"reviewlens.operations.{m.name}"
        for m in pkgutil.iter_modules(reviewlens.operations.__path__)
    }
    page = PAGE.read_text("utf-8")
    assert modules
    assert {name for name in modules if f"::: {name}\n" not in page} == set()
