"""The notebooks run from top to bottom: on the samples, and on the figures of the shipped model."""

import json
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt

ROOT = Path(__file__).resolve().parents[3]


def code_cells(name):
    notebook = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


@pytest.fixture
def run(monkeypatch):
    """``run(name)``: what a notebook printed, its figures and its variables."""
    mpl.use("agg")
    monkeypatch.chdir(ROOT / "notebooks")

    def run_notebook(name):
        printed, figures, names = [], [], {"__name__": "__main__"}
        monkeypatch.setattr(plt, "show", lambda: figures.append(plt.gcf().axes[0]))
        names["print"] = lambda *values: printed.append(" ".join(map(str, values)))
        for number, cell in enumerate(code_cells(name)):
            exec(compile("".join(cell["source"]), f"{name}, cell {number}", "exec"), names)
        plt.close("all")
        return "\n".join(printed), figures, names

    return run_notebook


def test_a_dump_leads_to_its_insights(run, stack, samples, monkeypatch):
    monkeypatch.setenv("REVIEWLENS_API_URL", stack.running.gateway_url)
    printed, (bars, trend), names = run("explore_reviews")
    ingest = names["ingest"]
    assert ingest.rows_read == ingest.stored + ingest.duplicates + ingest.rejected > 0
    assert len(bars.patches) == len(names["products"]) > 3
    assert trend.get_title() == names["movers"].movers[0].product_id
    assert len(trend.lines) == 2, "the curve and the day of the change"
    assert "worse since" in printed
    assert names["answer"].sentiment in ("negative", "neutral", "positive")


def test_the_figures_of_the_model_follow_from_its_rows(run):
    _, figures, names = run("evaluation")
    split = names["evaluation"]["splits"]["cellphones"]
    assert names["confusion"].tolist() == split["confusion"]
    assert names["right"].mean() == pytest.approx(split["accuracy"])
    assert len(figures) == 3


@pytest.mark.parametrize("name", ["explore_reviews", "evaluation"])
def test_a_notebook_is_stored_without_outputs(name):
    assert all(not cell["outputs"] and not cell["execution_count"] for cell in code_cells(name))
