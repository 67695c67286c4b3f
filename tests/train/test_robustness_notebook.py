"""The robustness notebook runs on the shipped model and the samples."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks/robustness.ipynb"


@pytest.fixture(scope="module")
def cells():
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_the_notebook_runs_from_top_to_bottom(cells, monkeypatch, capsys):
    monkeypatch.chdir(NOTEBOOK.parent)
    names = {"__name__": "__main__"}
    for number, cell in enumerate(cells):
        source = "".join(cell["source"]).replace("ROWS = 60", "ROWS = 12")
        exec(compile(source, f"cell {number}", "exec"), names)
    assert names["setup"].rows == 12
    assert set(names["kinds"]) == {"negation", "contrast", "intensifier", "sarcasm", "entity"}
    table = capsys.readouterr().out
    assert re.search(r"typos@0\.1 +[+-]\d\.\d{3} +[+-]\d\.\d{3} +\d\.\d{3}", table)


def test_the_notebook_is_stored_without_outputs(cells):
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells)
