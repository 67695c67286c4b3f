"""Comparison of a model with simpler baselines."""

import importlib.util
import json
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/model/compare_models.py"


@pytest.fixture(scope="module")
def compare():
    spec = importlib.util.spec_from_file_location("compare_models", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


def test_baselines_and_recipes_are_compared_in_one_table(compare, base, data, tmp_path, capsys):
    recipe = tmp_path / "tiny.json"
    recipe.write_text(
        json.dumps(
            {
                "model_name": str(base), "epochs": 4, "batch_size": 16, "learning_rate": 3e-3,
                "cosine_weight": 0, "similarity_weight": 0, "projection_rows": 0, "wide": False,
                "class_counts": {}, "max_tokens": 64, "threads": 1,
                "served_tokens": 64, "served_tail_tokens": 16,
            }
        )
    )  # fmt: skip
    runs, output = tmp_path / "runs", tmp_path / "table.md"
    arguments = [str(data), "--splits", "validation,test", "--recipe", str(recipe)]
    options = ["--runs", str(runs), "--output", str(output)]
    options += ["--limit", "50", "--noise", "20", "--recall", "40"]
    assert compare([*arguments, *options]) == 0
    figures = json.loads(output.with_suffix(".json").read_text())
    assert list(figures) == ["tf-idf", "frozen encoder", "tiny"]
    assert all(entry["accuracy"] > 0.8 for splits in figures.values() for entry in splits.values())
    assert all(entry["rows"] == 50 for splits in figures.values() for entry in splits.values())
    assert all("noise_flips" in splits["validation"] for splits in figures.values())
    recall = {name: splits["validation"].get("recall_at_10") for name, splits in figures.items()}
    assert recall["tf-idf"] is None, "tf-idf has no embedding"
    assert 0 < recall["tiny"] <= 1
    lines = output.read_text().splitlines()
    assert [line.split(" | ")[1] for line in lines[2:5]] == ["validation", "test", "mean"]
    weights = (runs / "tiny/model.safetensors").stat().st_mtime_ns
    assert compare([*arguments, "--only", "tiny", "--runs", str(runs)]) == 0
    assert (runs / "tiny/model.safetensors").stat().st_mtime_ns == weights
    assert "| tiny | test |" in capsys.readouterr().out


def test_an_artefact_is_measured_as_served(compare, run_dir, data, tmp_path):
    from sagemaker_jobs.export.__main__ import main as export

    artefact = tmp_path / "artefact"
    options = ["--run-dir", str(run_dir), "--output-dir", str(artefact)]
    assert export([*options, "--precision", "float32"]) == 0
    output = tmp_path / "table.md"
    arguments = ["--splits", "test", "--only", "artefact", "--artefact", str(artefact)]
    assert compare([str(data), *arguments, "--output", str(output)]) == 0
    figures = json.loads(output.with_suffix(".json").read_text())
    assert figures["artefact"]["test"]["accuracy"] > 0.9
