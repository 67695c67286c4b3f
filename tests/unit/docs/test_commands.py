"""Every command of the documentation is run by a test or says why not, and can exist as written."""

import re

import pytest
from typer.main import get_command

from cdk.paths import ROOT
from local.cli.main import application
from tests.documents import RUN, blocks, commands, pages

NAMES = {str(page.relative_to(ROOT)): page for page in pages()}
LANGUAGES = {"sh", "python", "json", "csv", "text", "hcl"}
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
REVIEWLENS = get_command(application)
PYTHONS = {"python", "python3", ".venv/bin/python", ".venv-train/bin/python"}
OTHERS = {
    *("aws", "az", "cosign", "curl", "docker", "eb", "gcloud", "gh", "helm", "jq", "kubectl"),
    *("npx", "pip", "psql", "terraform", "unzip", "deploy", "envsubst"),
    *(
        ".",
        "source",
        "cat",
        "cd",
        "cp",
        "eval",
        "export",
        "for",
        "head",
        "mkdir",
        "printf",
        "sed",
        "wc",
    ),
}
"""Programs and functions of the shell that are not part of the repository."""


def shell_blocks(name):
    return [block for block in blocks(NAMES[name]) if block.language == "sh"]


@pytest.mark.parametrize("name", NAMES)
def test_every_block_names_its_language(name):
    assert {block.language for block in blocks(NAMES[name])} <= LANGUAGES


@pytest.mark.parametrize("name", NAMES)
def test_every_command_is_run_or_says_why_not(name):
    if NAMES[name] not in RUN:
        assert [block.code for block in shell_blocks(name) if not block.reason] == []


@pytest.mark.parametrize("name", NAMES)
def test_commands_name_what_exists(name):
    for block in shell_blocks(name):
        for words in commands(block.code):
            assert problem(words) is None, f"{' '.join(words)}: {problem(words)}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("reviewlens serch hinge", "no such command"),
        ("reviewlens search hinge --max-stars 2", "no option --max-stars"),
        ("reviewlens models activat VERSION", "no such command"),
        ("make dmo", "no target dmo"),
        ("python -m local.service inference", "no such file"),
        ("python scripts/model/no_such_script.py", "no such file"),
        ("python scripts/model/build_model.py default --no-such-option", "no option"),
        ("scripts/no_such_script.sh", "no such file"),
        ("./set-up.sh --check", "no such file"),
        ("revewlens up", "unknown program"),
    ],
)
def test_a_command_that_cannot_exist_is_found(words, said):
    assert said in problem(words.split())


def test_the_commands_of_a_block_are_told_apart():
    code = (
        "A=1 make demo ARGS=--once   # once\ncat > x <<'end'\nrm a\nend\n"
        "curl -d '{\n}' | jq . && ./a \\\n  --b\n"
    )
    assert [words[0] for words in commands(code)] == ["make", "cat", "curl", "jq", "./a"]
    assert list(commands(code))[-1] == ["./a", "--b"]


def problem(words):
    """Why a command cannot be one of ours, or None."""
    program, *rest = words
    if program == "reviewlens":
        return problem_of_options(REVIEWLENS, rest)
    if program == "make":
        unknown = [word for word in rest if "=" not in word and word not in TARGETS]
        return f"no target {unknown[0]}" if unknown else None
    if program in PYTHONS:
        return problem_of_module(rest)
    if "/" in program:
        return None if (ROOT / program).is_file() else "no such file"
    return None if program in OTHERS else "unknown program"


def problem_of_options(command, words):
    while getattr(command, "commands", {}) and words and not words[0].startswith("-"):
        name, *words = words
        if name not in command.commands:
            return f"no such command: {name}"
        command = command.commands[name]
    options = {"--help", "-h"}
    for parameter in command.params:
        options |= {*parameter.opts, *parameter.secondary_opts}
    for word in words:
        option = word.partition("=")[0]
        if re.match(r"--?[a-z]", option) and option not in options:
            return f"no option {option}"
    return None


def problem_of_module(words):
    if words[0] == "-m":
        path = ROOT.joinpath(*words[1].split("."))
        files = [path.with_suffix(".py"), path / "__main__.py"]
        words = words[1:]
    else:
        files = [ROOT / words[0]]
    folder = next((file.parent for file in files if file.is_file()), None)
    if folder is None:
        return "no such file"
    sources = "".join(file.read_text() for file in folder.rglob("*.py"))
    for word in words:
        option = word.partition("=")[0]
        if option.startswith("--") and not any(
            name in sources for name in (f'"{option}"', option[2:].replace("-", "_"))
        ):
            return f"no option {option}"
    return None
