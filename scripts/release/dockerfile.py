"""Read a Dockerfile of ours, and carry out its instructions in folders instead of an engine."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")
_WITHOUT_EFFECT = frozenset({"CMD", "ENTRYPOINT"})
"""What a container runs; nothing of it happens in a build."""


class DockerfileError(Exception):
    """An instruction that cannot be carried out."""


class Run(Protocol):
    """Runs a shell command in a stage."""

    def __call__(self, stage: "Stage", command: str) -> None:
        """Run it, or raise DockerfileError."""


@dataclass
class Stage:
    """A stage of a build: its root folder, and what later instructions depend on."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "0:0"

    def path(self, name: str) -> Path:
        """A path of the image, absolute or relative to the working folder, in the root folder."""
        return self.root / str(Path(self.folder, name)).lstrip("/")


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Keyword and arguments of each instruction, without comments and with lines joined."""
    joined = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", text))
    for line in filter(None, (line.strip() for line in joined.splitlines())):
        keyword, _, rest = line.partition(" ")
        yield keyword.upper(), " ".join(rest.split())


def carry_out(context: Path, base: Path, work: Path, run: Run) -> Stage:
    """Carry out the Dockerfile of a build context; each stage starts as a copy of the base.

    Args:
        context: a folder with a Dockerfile.
        base: the root folder of the base image.
        work: an empty folder for the stages.
        run: runs the commands.

    Returns:
        The last stage.

    Raises:
        DockerfileError: an instruction is unknown or fails.
    """
    stages: dict[str, Stage] = {}
    arguments: dict[str, str] = {}
    stage: Stage | None = None
    for keyword, rest in instructions((context / "Dockerfile").read_text()):
        if keyword == "FROM":
            name = rest.partition(" AS ")[2] or f"stage{len(stages)}"
            stage = stages[name] = Stage(work / name, {"PATH": "/usr/local/bin:/usr/bin:/bin"})
            _copy_root(base, stage.root)
        elif keyword == "ARG":
            argument, _, value = rest.partition("=")
            arguments[argument] = value
        elif stage is None:
            raise DockerfileError(f"{keyword} stands before FROM")
        else:
            _carry_out(stage, keyword, rest, context, stages, arguments, run)
    if stage is None:
        raise DockerfileError("there is no FROM")
    return stage


def _copy_root(base: Path, root: Path) -> None:
    # cp keeps owners, modes and device files, which shutil would read to their end
    command = ["cp", "--archive", "--reflink=auto", str(base), str(root)]
    subprocess.run(command, check=True)


def _carry_out(
    stage: Stage,
    keyword: str,
    rest: str,
    context: Path,
    stages: Mapping[str, Stage],
    arguments: Mapping[str, str],
    run: Run,
) -> None:
    if keyword == "ENV":
        for pair in rest.split():
            name, _, value = pair.partition("=")
            stage.environment[name] = _substitute(value, stage.environment)
    elif keyword == "WORKDIR":
        stage.folder = rest
        stage.path(".").mkdir(parents=True, exist_ok=True)
    elif keyword == "USER":
        stage.user = rest
    elif keyword == "COPY":
        _copy(stage, rest.split(), context, stages)
    elif keyword == "RUN":
        run(stage, _substitute(rest, arguments))
    elif keyword not in _WITHOUT_EFFECT:
        raise DockerfileError(f"{keyword} is not an instruction that this script knows")


def _substitute(text: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: values.get(match[1] or match[2], match[0]), text)


def _copy(stage: Stage, parts: list[str], context: Path, stages: Mapping[str, Stage]) -> None:
    """COPY: the content of a folder, or files into a folder or under a new name."""
    source = None
    if parts[0].startswith("--from="):
        source = stages[parts.pop(0).removeprefix("--from=")]
    *names, target_name = parts
    target = stage.path(target_name)
    for name in names:
        path = source.path(name) if source else context / name
        if path.is_dir():
            shutil.copytree(path, target, symlinks=True, dirs_exist_ok=True)
            continue
        into_folder = target_name.endswith("/") or len(names) > 1
        file = target / path.name if into_folder or target.is_dir() else target
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, file)
