"""Make the picture tower from product pictures: each step is left out when it is complete.

    python scripts/model/build_pictures.py DATA_FOLDER [--runs FOLDER] [--recipe FILE]

DATA_FOLDER contains products.csv and images.zip, or a folder fashion-products with both. The recipe
(configs/pictures.json) has the options of each step. The tower learns the space of a base encoder,
near which the served encoder stays, and is evaluated with the texts of both. A step that was
interrupted continues: the same command repeats what is missing.
"""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from steps import Step, job, perform_all, publish

from shared.schemas.encoders import DEFAULT_ENCODER

PRODUCTS = "fashion-products"
_PUBLISHED = ("model.onnx", "manifest.json")


def data_folder(folder: Path) -> Path:
    """The folder with products.csv: the given one, or the one of the product pictures in it."""
    return folder / PRODUCTS if (folder / PRODUCTS).is_dir() else folder


def steps(
    data: Path, runs: Path, text_model: Path, recipe: dict[str, dict[str, object]]
) -> list[Step]:
    """All steps to a picture tower."""
    features, texts, learned, artefact = (
        runs / f"pictures-{name}" for name in ("features", "captions", "learned", "served")
    )
    figures = artefact / "evaluation"
    measured = {"data_dir": data, "features_dir": features, "model_dir": artefact}
    places: dict[str, tuple[Path, dict[str, Path]]] = {
        "features": (
            features / "features.json",
            {"data_dir": data, "cache_dir": runs / "pictures-cache", "output_dir": features},
        ),
        "captions": (
            texts / "captions.json",
            {"features_dir": features, "output_dir": texts},
        ),
        "learn": (
            learned / "learn.json",
            {"features_dir": features, "captions_dir": texts, "output_dir": learned},
        ),
        "export": (
            artefact / "manifest.json",
            {
                "data_dir": data,
                "features_dir": features,
                "learned_dir": learned,
                "output_dir": artefact,
            },
        ),
        "evaluate": (
            figures / "evaluation.json",
            {**measured, "text_model": text_model, "output": figures / "evaluation.json"},
        ),
    }
    if unknown := sorted(set(recipe) - set(places)):
        raise SystemExit(f"the recipe has unknown steps: {', '.join(unknown)}")
    made = [
        Step(name, job(f"pictures {name}", **_options(recipe.get(name, {})), **folders), output)
        for name, (output, folders) in places.items()
    ]
    base = figures / "base.json"
    again = {"text_model": text_encoder(recipe), "probe": "false"}
    options = _options(recipe.get("evaluate", {})) | again
    command = job("pictures evaluate", **options, **measured, output=base)
    return [*made, Step("evaluate with the base encoder", command, base)]


def text_encoder(recipe: dict[str, dict[str, object]]) -> object:
    """The base encoder in whose space the tower learns."""
    return recipe.get("captions", {}).get("text_model", DEFAULT_ENCODER)


def _options(values: dict[str, object]) -> dict[str, object]:
    """Values of a recipe as a command line has them: JSON, but texts as they are."""
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in values.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Perform what is missing; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the product pictures")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the steps")
    parser.add_argument("--recipe", type=Path, default=Path("configs/pictures.json"))
    parser.add_argument("--text-model", type=Path, default=Path("models/default"))
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of the models")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    recipe = json.loads(options.recipe.read_text(encoding="utf-8"))
    todo = steps(data_folder(options.data), options.runs, options.text_model, recipe)
    perform_all(todo, options.runs / "steps")
    publish(options.runs / "pictures-served", options.models / "pictures", _PUBLISHED)
    return 0


if __name__ == "__main__":
    sys.exit(main())
