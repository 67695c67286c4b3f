"""Write the plots of an evaluation for the documentation, as SVG files.

    python scripts/model/model_figures.py EVALUATION_JSON FOLDER [--split NAME]

The same evaluation produces identical files.
"""

import argparse
import base64
import sys
from pathlib import Path

from sagemaker_jobs.evaluate import plots
from sagemaker_jobs.evaluate.report import Evaluation


def main(argv: list[str] | None = None) -> int:
    """Write reliability.svg and coverage.svg of one split."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("evaluation", type=Path, help="evaluation.json")
    parser.add_argument("folder", type=Path, help="folder for the SVG files")
    parser.add_argument("--split", default="cellphones")
    options = parser.parse_args(argv)
    evaluation = Evaluation.model_validate_json(options.evaluation.read_bytes())
    if options.split not in evaluation.splits:
        parser.error(f"--split: {options.split} is not one of {', '.join(evaluation.splits)}")
    split = evaluation.splits[options.split]
    options.folder.mkdir(parents=True, exist_ok=True)
    figures = {
        "reliability": plots.reliability(split),
        "coverage": plots.coverage(split, evaluation.abstain),
    }
    for name, uri in figures.items():
        (options.folder / f"{name}.svg").write_bytes(base64.b64decode(uri.partition(",")[2]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
