"""What a job leaves for SageMaker fits into what SageMaker shows."""

import json

import pytest

from sagemaker_jobs import message


@pytest.fixture
def left(tmp_path, monkeypatch):
    monkeypatch.setattr(message, "FOLDER", tmp_path)
    return lambda: json.loads((tmp_path / "message").read_text())


@pytest.mark.parametrize(
    "said",
    [
        {"verdict": "active", "reasons": []},
        {"verdict": "kept", "reasons": [f"slice {n}: accuracy 0.91 → 0.84" for n in range(99)]},
        {"verdict": "kept", "reasons": ["é" * 5000]},
        {"reason": "x" * 5000},
        {"reason": "not\x00a line\n\ud800"},
    ],
)
def test_it_is_json_of_at_most_a_kibibyte_and_keeps_its_verdict(left, said):
    text = message.leave(said)
    assert len(text.encode()) <= 1024
    assert left() == json.loads(text)
    assert left().get("verdict") == said.get("verdict")


def test_of_many_reasons_the_first_are_kept(left):
    message.leave({"verdict": "kept", "reasons": [f"reason {n} {'x' * 60}" for n in range(50)]})
    assert left()["reasons"][0].startswith("reason 0")
    assert left()["reasons"][-1] == "…"
    assert isinstance(left()["reasons"], list)


def test_where_there_is_no_such_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(message, "FOLDER", tmp_path / "none")
    message.leave({"reason": "r"})
    assert not (tmp_path / "none").exists()
