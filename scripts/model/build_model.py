"""Make a model from the public data sets: all steps, each left out when its output is complete.

    python scripts/model/build_model.py default|accurate|teacher DATA_FOLDER [--labels FOLDER]

- default: the model that is served, a small student (configs/student.json), in models/default;
- accurate: the second model of a cascade, a larger student (configs/accurate.json), in
  models/accurate;
- teacher: the teacher itself (configs/teacher.json), in runs/served-teacher.

The default model continues the training of the one that is in models/default: it learns the known
labels of reviews, sentences and terms, and with --labels those of a teacher in that folder. The
second model needs a teacher's labels: without --labels, or if the folder has none, a teacher is
trained and labels the texts, which takes hours on a CPU. A step that was interrupted continues: the
same command repeats what is missing. Options that change a step need another --runs folder.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from steps import Step, job, perform_all, publish, script

FITTED = "validation,cellphones,semeval14"
"""What the decisions are fitted to: the natural mix of stars of many sources, and sources without a
row in the training data. Of the sentences of semeval14, one half is in the training data and the
other half here."""
SURE_SENTENCES = 0.9
"""This share of the sentences that a model is sure of must be right; few models reach the 0.95 of
reviews on sentences."""
EVALUATED = "cellphones,test,dynasent,sentences,semeval14"
_PUBLISHED = ("model.onnx", "tokenizer.json", "manifest.json")
_FAMILIES = {"default": "minilm-reviews-3", "accurate": "mpnet-reviews-1", "teacher": "teacher-1"}


class Folders(NamedTuple):
    """Where everything is."""

    data: Path
    prepared: Path
    runs: Path
    models: Path
    labels: Path | None


def teacher_base(folders: Folders) -> Step:
    """Fetch the encoder of the teacher."""
    base = folders.runs / "mpnet"
    command = script("fetch_teacher_base.py", base)
    return Step("encoder of the teacher", command, base / "model.safetensors")


def teacher_steps(folders: Folders) -> list[Step]:
    """Train the teacher."""
    teach = job(
        "distil teach",
        recipe="configs/teacher.json",
        model_name=folders.runs / "mpnet",
        data_dir=folders.prepared,
        output_dir=folders.runs / "teacher",
    )
    return [teacher_base(folders), Step("teacher", teach, folders.runs / "teacher" / "run.json")]


def label_steps(labels: Path, folders: Folders) -> list[Step]:
    """Label the texts, unless the folder has labels."""
    first = labels / "labels-000.parquet"  # written last
    if first.is_file():
        return []
    label = job(
        "distil label",
        teacher_dir=folders.runs / "teacher",
        data_dir=folders.prepared,
        output_dir=labels,
    )
    return [*teacher_steps(folders), Step("labels", label, first)]


def student_steps(kind: str, folders: Folders) -> list[Step]:
    """Train a student: the default one from the model in models/default."""
    run = folders.runs / f"{kind}-student"
    common = {"data_dir": folders.prepared, "output_dir": run}
    if kind == "default":
        before = []
        common["start"] = folders.models / "default" / "model.onnx"
        if folders.labels is not None:
            before, common["labels"] = label_steps(folders.labels, folders), folders.labels
        recipe = "configs/student.json"
    else:
        labels = folders.labels or folders.runs / "labels"
        before = [*label_steps(labels, folders), teacher_base(folders)]
        common |= {"labels": labels, "model_name": folders.runs / "mpnet"}
        recipe = "configs/accurate.json"
    learn = job("distil learn", recipe=recipe, **common)
    return [*before, Step("student", learn, run / "run.json")]


def served_steps(kind: str, run: Path, folders: Folders) -> list[Step]:
    """Export a run, fit its decisions and evaluate it."""
    artefact, unseen = folders.runs / f"served-{kind}", folders.runs / f"unseen-{kind}"
    export = job(
        "export",
        run_dir=run,
        family=_FAMILIES[kind],
        calibration=folders.prepared / "train.parquet",
        output_dir=artefact,
        **({"tokens": "false"} if kind == "default" else {}),
    )
    evaluate = {"model_dir": artefact, "data_dir": folders.prepared}
    quick = {"recall_rows": 0, "latency_runs": 0, "resamples": 0}
    predict = job("evaluate", **evaluate, splits=FITTED, output=unseen / "evaluation.json", **quick)
    decide = job(
        "decide",
        model_dir=artefact,
        predictions=unseen / "predictions.parquet",
        splits=FITTED,
        output=unseen / "decisions.json",
        sure_sentence_accuracy=SURE_SENTENCES,
    )
    final = artefact / "evaluation" / "evaluation.json"
    report = {"record": "true", "report": "true", "behaviours": "true"}
    report |= {"robustness": "true"} if kind == "default" else {"recall_rows": "0"}
    return [
        Step("export", export, artefact / "manifest.json"),
        Step("answers for unseen sources", predict, unseen / "evaluation.json"),
        Step("decisions", decide, unseen / "decisions.json"),
        Step(
            "evaluation",
            job("evaluate", **evaluate, splits=EVALUATED, output=final, **report),
            final,
        ),
    ]


def steps(kind: str, folders: Folders) -> list[Step]:
    """All steps to a model."""
    prepare = script(
        "prepare_training_data.py",
        *(folders.data, folders.prepared),
    )
    data = Step("data", prepare, folders.prepared / "splits.json")
    if kind == "teacher":
        return [
            data,
            *teacher_steps(folders),
            *served_steps(kind, folders.runs / "teacher", folders),
        ]
    run = folders.runs / f"{kind}-student"
    return [data, *student_steps(kind, folders), *served_steps(kind, run, folders)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Perform what is missing; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=_FAMILIES)
    parser.add_argument("data", type=Path, help="folder of the data sets")
    parser.add_argument("--prepared", type=Path, default=Path(".data"), help="prepared data")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the steps")
    parser.add_argument("--labels", type=Path, help="folder of a teacher's labels")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of the models")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    folders = Folders(options.data, options.prepared, options.runs, options.models, options.labels)
    perform_all(steps(options.kind, folders), options.runs / "steps")
    if options.kind != "teacher":
        artefact = options.runs / f"served-{options.kind}"
        publish(artefact, options.models / options.kind, _PUBLISHED)
    return 0


if __name__ == "__main__":
    sys.exit(main())
