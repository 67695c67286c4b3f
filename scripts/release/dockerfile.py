"""Read a Dockerfile of ours, and carry out its instructions in folders instead of an engine."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")
_SOURCE = re.compile(r"--from=(\S+)")
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


def carry_out(
    context: Path, base: Path, work: Path, run: Run, *, target: str | None = None
) -> Stage:
    """Carry out the Dockerfile of a build context, and of its stages those that are needed.

    Args:
        context: a folder with a Dockerfile.
        base: the root folder of the base image.
        work: an empty folder for the stages.
        run: runs the commands.
        target: the stage to build; by default the last one.

    Returns:
        The stage.

    Raises:
        DockerfileError: an instruction is unknown or fails, or there is no such stage.
    """
    arguments, parts = _parts((context / "Dockerfile").read_text())
    last = next(reversed(parts), None) if target is None else target
    if last not in parts:
        raise DockerfileError("there is no FROM" if target is None else f"no stage is {target}")
    needed = _needed(last, parts)
    stages: dict[str, Stage] = {}
    for name, part in parts.items():
        if name not in needed:
            continue
        stages[name] = _start(name, part.source, stages, base, work)
        known = dict(arguments)
        for keyword, rest in part.lines:
            if keyword == "ARG":
                argument, _, value = rest.partition("=")
                known[argument] = value
            else:
                _carry_out(stages[name], keyword, rest, context, stages, known, run)
    return stages[last]


@dataclass
class _Part:
    """A stage as it is written: what it starts from, and its instructions."""

    source: str
    lines: list[tuple[str, str]] = field(default_factory=list)


def _parts(text: str) -> tuple[dict[str, str], dict[str, _Part]]:
    """The arguments before the first FROM, and each stage by its name."""
    arguments: dict[str, str] = {}
    parts: dict[str, _Part] = {}
    part: _Part | None = None
    for keyword, rest in instructions(text):
        if keyword == "FROM":
            source, _, name = rest.partition(" AS ")
            part = parts[name or f"stage{len(parts)}"] = _Part(source)
        elif part is not None:
            part.lines.append((keyword, rest))
        elif keyword == "ARG":
            argument, _, value = rest.partition("=")
            arguments[argument] = value
        else:
            raise DockerfileError(f"{keyword} stands before FROM")
    return arguments, parts


def _needed(target: str, parts: Mapping[str, _Part]) -> set[str]:
    """The stages from which a stage starts or copies, and itself."""
    needed, waiting = set(), [target]
    while waiting:
        name = waiting.pop()
        if name in parts and name not in needed:
            needed.add(name)
            copied = [
                _SOURCE.match(rest) for keyword, rest in parts[name].lines if keyword == "COPY"
            ]
            waiting += [parts[name].source, *(match[1] for match in copied if match)]
    return needed


def _start(name: str, source: str, stages: Mapping[str, Stage], base: Path, work: Path) -> Stage:
    """A new stage: a copy of an earlier one, or else of the base."""
    root = work / name
    if source in stages:
        first = stages[source]
        _copy_root(first.root, root)
        return Stage(root, dict(first.environment), first.folder, first.user)
    _copy_root(base, root)
    return Stage(root, {"PATH": "/usr/local/bin:/usr/bin:/bin"})


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
