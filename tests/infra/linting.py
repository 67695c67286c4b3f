"""Runs cfn-lint, which is imported only by the process that needs it: that takes seconds."""

from collections.abc import Iterable
from pathlib import Path


def lint(templates: Iterable[Path]) -> list[str]:
    """What cfn-lint finds in templates, in one call: each call loads the rules."""
    from cfnlint.api import ManualArgs, lint_by_config

    names = [str(path) for path in templates]
    found = lint_by_config(ManualArgs(templates=names, regions=["eu-central-1"]))
    return [f"{match.filename}: {match}" for match in found]
