"""``make model`` performs the steps that are missing, with commands that the jobs accept."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from sagemaker_jobs.arguments import parse
from sagemaker_jobs.decide.config import DecideConfig
from sagemaker_jobs.distil.__main__ import STEPS
from sagemaker_jobs.evaluate.config import EvaluateConfig
from sagemaker_jobs.export.config import ExportConfig
from sagemaker_jobs.pictures.__main__ import STEPS as PICTURE_STEPS

ROOT = Path(__file__).parents[2]
CONFIGS = {
    "export": ExportConfig,
    "evaluate": EvaluateConfig,
    "decide": DecideConfig,
    **{f"distil {name}": config for name, config in STEPS.items()},
    **{f"pictures {name}": config for name, config in PICTURE_STEPS.items()},
}


def load(name):
    """A script of scripts/model, which imports the modules beside it."""
    path = ROOT / "scripts" / "model" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(path.parent))
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def script():
    return load("build_model")


@pytest.fixture(scope="module")
def machinery():
    return load("steps")


@pytest.fixture
def folders(script, tmp_path):
    names = ("data", "prepared", "runs", "models", "labels")
    return script.Folders(*(tmp_path / name for name in names))


@pytest.mark.parametrize("kind", ["default", "accurate", "teacher"])
def test_every_job_accepts_its_options(script, folders, kind, monkeypatch):
    monkeypatch.chdir(ROOT)
    jobs = 0
    for step in script.steps(kind, folders):
        _, *command = step.command
        if command[0] != "-m":
            assert Path(command[0]).is_file()
            continue
        first_option = next(i for i, part in enumerate(command) if part.startswith("--"))
        name = " ".join(command[1:first_option]).removeprefix("sagemaker_jobs.")
        parse(CONFIGS[name], command[first_option:], {})
        jobs += 1
    assert jobs >= 5


def test_the_steps_of_the_picture_tower_accept_the_recipe(tmp_path):
    script = load("build_pictures")
    recipe = json.loads((ROOT / "configs" / "pictures.json").read_text())
    todo = script.steps(tmp_path, tmp_path / "runs", ROOT / "models" / "default", recipe)
    names = [step.command[3] for step in todo]
    assert names == [*PICTURE_STEPS, "evaluate"]
    for name, step in zip(names, todo, strict=True):
        parsed = parse(PICTURE_STEPS[name], step.command[4:], {})
        for option, value in recipe.get(name, {}).items():
            assert getattr(parsed, option) == value
    assert parsed.text_model == "all-MiniLM-L6-v2"


@pytest.mark.parametrize("kind", ["default", "accurate"])
def test_a_teacher_is_trained_only_without_labels(script, folders, kind):
    names = [step.name for step in script.steps(kind, folders)]
    assert names[:4] == ["data", "encoder of the teacher", "teacher", "labels"]
    folders.labels.mkdir()
    (folders.labels / "labels-000.parquet").touch()
    assert "teacher" not in {step.name for step in script.steps(kind, folders)}


def test_without_labels_the_default_model_needs_no_teacher(script, folders, monkeypatch):
    monkeypatch.chdir(ROOT)
    data, learn, *_ = script.steps("default", folders._replace(labels=None))
    assert (data.name, learn.name) == ("data", "student")
    assert parse(CONFIGS["distil learn"], learn.command[4:], {}).labels is None


def test_the_default_model_continues_the_training_of_the_published_one(
    script, folders, monkeypatch
):
    monkeypatch.chdir(ROOT)
    (learn,) = (step for step in script.steps("default", folders) if step.name == "student")
    parsed = parse(CONFIGS["distil learn"], learn.command[4:], {})
    assert parsed.start == folders.models / "default" / "model.onnx"
    assert parsed.wide, "otherwise its wide part would be lost"


def test_decisions_are_fitted_on_sources_without_a_row_in_the_training_data(script, folders):
    sources = {reader.__name__ for reader in load("prepare_training_data").HELD_OUT}
    (predict,) = (
        step
        for step in script.steps("default", folders)
        if step.name == "answers for unseen sources"
    )
    splits = predict.command[predict.command.index("--splits") + 1].split(",")
    assert set(splits) - {"validation"} <= sources


def writer(path, text):
    program = f"open({str(path)!r}, 'a').write({text!r})"
    return [sys.executable, "-c", program]


def test_a_complete_step_is_left_out_and_a_failed_one_is_repeated(machinery, tmp_path):
    output = tmp_path / "run.json"
    failing = machinery.Step("one", [sys.executable, "-c", "exit(3)"], output)
    with pytest.raises(SystemExit, match="one: ended with status 3"):
        machinery.perform(failing, tmp_path / "steps")
    step = machinery.Step("two", writer(output, "x"), tmp_path / "two" / "run.json")
    machinery.perform(step, tmp_path / "steps")
    assert output.read_text() == "x"
    machinery.perform(step, tmp_path / "steps")
    assert output.read_text() == "xx", "its own output is missing"
    step.output.parent.mkdir()
    step.output.touch()
    machinery.perform(step, tmp_path / "steps")
    assert output.read_text() == "xx"


def test_an_output_of_other_options_is_not_mixed_with_these(machinery, tmp_path):
    output = tmp_path / "run" / "run.json"
    output.parent.mkdir()
    machinery.perform(machinery.Step("learn", writer(output, "a"), output), tmp_path / "steps")
    with pytest.raises(SystemExit, match=r"learn: .*run was made with other options: remove it"):
        machinery.perform(machinery.Step("learn", writer(output, "b"), output), tmp_path / "steps")
    assert output.read_text() == "a"


def test_publishing_keeps_the_model_card(machinery, tmp_path):
    artefact, folder = tmp_path / "artefact", tmp_path / "models" / "default"
    (artefact / "evaluation").mkdir(parents=True)
    for name in ("model.onnx", "tokenizer.json", "evaluation/evaluation.json"):
        (artefact / name).write_text("new")
    (artefact / "manifest.json").write_text(json.dumps({"version": "v2"}))
    folder.mkdir(parents=True)
    (folder / "MODEL_CARD.md").write_text("card")
    (folder / "model.onnx").write_text("old")
    machinery.publish(artefact, folder, ("model.onnx", "tokenizer.json", "manifest.json"))
    assert (folder / "MODEL_CARD.md").read_text() == "card"
    assert (folder / "model.onnx").read_text() == "new"
    assert (folder / "evaluation" / "evaluation.json").read_text() == "new"
