"""Fits the rules of a model, measures them, and writes them into its manifest."""

import json
import logging

from pydantic import BaseModel, ConfigDict

from sagemaker_jobs.decide.config import DecideConfig
from sagemaker_jobs.decide.fit import fit
from sagemaker_jobs.decide.groups import Group, read_groups
from sagemaker_jobs.decide.measure import Row, leave_one_out
from sagemaker_jobs.decide.table import markdown
from shared.schemas.decisions import Decisions, Kind
from shared.schemas.manifest import DECISIONS, Manifest

log = logging.getLogger("decide")


class Result(BaseModel):
    """Content of the output file. ``left_out``: sources that were left out one at a time."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    model_version: str
    decisions: Decisions
    left_out: list[Row]


def run(config: DecideConfig) -> Result:
    """Fit, measure and write the rules; a kind without rows keeps the defaults.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: the predictions cannot be used.
    """
    path = config.model_dir / "manifest.json"
    if not path.is_file():
        raise FileNotFoundError(f"model_dir {config.model_dir} has no manifest.json")
    manifest = Manifest.model_validate_json(path.read_bytes())
    groups = read_groups(config, manifest.version)
    rules = {kind.value: fit(chosen, config) for kind in Kind if (chosen := _of_kind(groups, kind))}
    decisions = Decisions.model_validate(rules)
    rows = [row for kind in Kind for row in leave_one_out(_of_kind(groups, kind), config)]
    result = Result(model_version=manifest.version, decisions=decisions, left_out=rows)
    fields = json.loads(path.read_text(encoding="utf-8"))
    fields.setdefault("parameters", {})[DECISIONS] = decisions.model_dump(mode="json")
    path.write_text(json.dumps(fields, indent=1) + "\n", encoding="utf-8")
    config.output.parent.mkdir(parents=True, exist_ok=True)
    config.output.with_suffix(".md").write_text(markdown(decisions, rows), encoding="utf-8")
    config.output.write_text(
        result.model_dump_json(indent=1) + "\n", encoding="utf-8"
    )  # last: it says that all is done
    log.info("%s: %s; evaluate the model again", path, decisions.model_dump())
    return result


def _of_kind(groups: list[Group], kind: Kind) -> list[Group]:
    return [group for group in groups if group.kind is kind]
