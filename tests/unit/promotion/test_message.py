"""The message of a job fits into SageMaker's limit."""

import json

import pytest

from sagemaker_jobs import message


@pytest.fixture
def written(tmp_path, monkeypatch):
    monkeypatch.setattr(message, "FOLDER", tmp_path)
    return lambda: json.loads((tmp_path / "message").read_text())


@pytest.mark.parametrize(
    "fields",
    [
        {"verdict": "active", "reasons": []},
        {"verdict": "kept", "reasons": [f"slice {n}: accuracy 0.91 → 0.84" for n in range(99)]},
        {"verdict": "kept", "reasons": ["é" * 5000]},
        {"reason": "x" * 5000},
        {"reason": "not\x00a line\n\ud800"},
    ],
)
def test_a_message_is_json_of_at_most_a_kibibyte_and_keeps_its_verdict(written, fields):
    text = message.write_message(fields)
    assert len(text.encode()) <= 1024
    assert written() == json.loads(text)
    assert written().get("verdict") == fields.get("verdict")


def test_a_long_list_of_reasons_is_cut_at_its_end(written):
    message.write_message(
        {"verdict": "kept", "reasons": [f"reason {n} {'x' * 60}" for n in range(50)]}
    )
    assert written()["reasons"][0].startswith("reason 0")
    assert written()["reasons"][-1] == "…"
    assert isinstance(written()["reasons"], list)


def test_nothing_is_written_outside_sagemaker(tmp_path, monkeypatch):
    monkeypatch.setattr(message, "FOLDER", tmp_path / "none")
    message.write_message({"reason": "r"})
    assert not (tmp_path / "none").exists()
