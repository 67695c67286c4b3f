"""A build without a container engine: what the instructions of a Dockerfile do to folders."""

import pytest

from cdk.packaging.images import DOCKERFILE, TRAINING_DOCKERFILE
from scripts.release.dockerfile import DockerfileError, carry_out, instructions
from scripts.release.try_image_builds import copy_repository, without_hashes


@pytest.fixture
def build(tmp_path):
    """Carries out a Dockerfile; returns its last stage and the commands that ran."""
    context, base, work = (tmp_path / name for name in ("context", "base", "work"))
    (context / "app").mkdir(parents=True)
    (context / "app/main.py").write_text("print('hello')")
    (context / "smoke.txt").write_text("main")
    (base / "etc").mkdir(parents=True)
    (base / "etc/os-release").write_text("base")
    work.mkdir()

    def carry(text, target=None):
        (context / "Dockerfile").write_text(text)
        commands = []

        def run(stage, command):
            commands.append((stage.root.name, stage.user, stage.folder, command))
            (stage.root / "ran").write_text(command)
            for folder in ("packages", "opt/python"):  # what the RUN instructions of ours install
                (stage.root / folder).mkdir(parents=True, exist_ok=True)

        return carry_out(context, base, work, run, target=target), commands

    yield carry
    assert (base / "etc/os-release").read_text() == "base"
    assert not (base / "ran").exists()


@pytest.mark.parametrize("path", [DOCKERFILE, TRAINING_DOCKERFILE], ids=lambda p: p.parent.name)
def test_both_dockerfiles_are_carried_out_with_every_run_instruction(build, path, tmp_path):
    for name in ("requirements.txt", "constraints.txt"):
        (tmp_path / "context" / name).write_text("")
    written = [rest for keyword, rest in instructions(path.read_text()) if keyword == "RUN"]
    _, commands = build(path.read_text())
    assert len(commands) == len(written) >= 2
    assert "smoke.txt" in commands[-1][3]


def test_a_stage_starts_from_the_base_and_takes_files_of_another(build):
    stage, commands = build(
        "# a comment\nARG BASE\nFROM ${BASE} AS first\nARG INDEX=https://index\n"
        'COPY app /packages\nRUN pip \\\n  --index "${INDEX}" $HOME\n'
        "FROM ${BASE}\nENV PATH=/opt/bin:$PATH A=1\nCOPY --from=first /packages /var/task\n"
        "WORKDIR /var/task\nCOPY smoke.txt ./\nUSER 65534:65534\nRUN python -c pass\n"
        'ENTRYPOINT ["python"]\n'
    )
    assert commands == [
        ("first", "0:0", "/", 'pip --index "https://index" $HOME'),
        ("stage1", "65534:65534", "/var/task", "python -c pass"),
    ]
    assert (stage.root / "var/task/main.py").is_file()
    assert (stage.root / "var/task/smoke.txt").is_file()
    assert (stage.root / "etc/os-release").read_text() == "base"
    assert stage.environment["PATH"].startswith("/opt/bin:/usr/local/bin")
    assert stage.environment["A"] == "1"


def test_a_stage_goes_on_with_an_earlier_one_and_others_are_left_out(build):
    text = (
        "ARG BASE=image\nFROM ${BASE} AS first\nENV A=1\nWORKDIR /app\nUSER 1:1\nRUN one $BASE\n"
        "FROM ${BASE} AS unused\nRUN two\nFROM first AS second\nRUN three\n"
        "FROM unused AS last\nCOPY --from=first /app /app\n"
    )
    stage, commands = build(text, target="second")
    assert commands == [
        ("first", "1:1", "/app", "one image"),
        ("second", "1:1", "/app", "three"),
    ]
    assert stage.environment["A"] == "1"
    assert (stage.root / "ran").read_text() == "three"
    with pytest.raises(DockerfileError, match="no stage is third"):
        build(text, target="third")


def test_the_image_of_all_services_is_carried_out_from_the_files_that_an_engine_sees(tmp_path):
    copy_repository(context := tmp_path / "context")
    assert (context / "local/services/__main__.py").is_file()
    assert not (context / "tests").exists()
    (base := tmp_path / "base").mkdir()
    commands = []

    def run(stage, command):
        commands.append(command)
        for folder in ("opt/reviewlens", "opt/training", "wheels"):
            (stage.root / folder).mkdir(parents=True, exist_ok=True)

    for target, has_torch in (("services", False), ("training", True)):
        commands.clear()
        (tmp_path / target).mkdir()
        carry_out(context, base, tmp_path / target, run, target=target)
        assert any("frontend_space.app" in each for each in commands)
        assert any("/opt/training" in each for each in commands) is has_torch
        assert len(commands) == 6 + has_torch


def test_an_unknown_instruction_stops_the_build(build):
    with pytest.raises(DockerfileError, match="HEALTHCHECK is not an instruction"):
        build("FROM base\nHEALTHCHECK NONE\n")
    with pytest.raises(DockerfileError, match="COPY stands before FROM"):
        build("COPY app /app\n")


def test_another_python_gets_the_same_versions_without_hashes(tmp_path):
    file = tmp_path / "requirements.txt"
    file.write_text("numpy==2.4.6 --hash=sha256:ab --hash=sha256:cd\n")
    assert without_hashes("pip install --require-hashes -r x", file) == "pip install  -r x"
    assert file.read_text() == "numpy==2.4.6\n"
