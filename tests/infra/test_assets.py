"""What each function ships: complete, no more than it needs, and the same bytes each time."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cdk.packaging import assets, table
from cdk.packaging import bundles as packaging
from cdk.packaging.import_graph import follow_imports
from cdk.packaging.table import ASSETS, IMAGES, handler_of, requirements_of, sources_of
from cdk.paths import ROOT
from tests.isolation import PYTHON, bare_environment

SCRIPT = ROOT / "scripts" / "release" / "bundle_functions.py"
PINNED = re.compile(r"([a-z0-9-]+)==(\S+)((?: --hash=sha256:[0-9a-f]{64})+)")
LEFT_OUT = {"huggingface-hub"}

IMPORT_ALL = """
import importlib, sys
from importlib.abc import MetaPathFinder

refused = set(sys.argv[1].split())

class Refuse(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in refused:
            raise ModuleNotFoundError(f"{name} is not shipped", name=name)

sys.meta_path.insert(0, Refuse())
for name in sys.argv[2:]:
    importlib.import_module(name)
for name, module in sys.modules.items():
    if name.split(".")[0] in ("lambdas", "shared") and getattr(module, "__file__", None):
        print(module.__file__)
"""


@pytest.fixture(scope="module")
def distributions():
    """Module → the distributions that bring it, in the tests' environment."""
    return {
        module: {canonicalize_name(name) for name in names}
        for module, names in packages_distributions().items()
    }


def needs(name):
    """What the handler of a function reaches by its imports."""
    return follow_imports([handler_of(name).rpartition(".")[0]])


def pins(name):
    """Distribution → version, by the function's requirements."""
    found = [PINNED.fullmatch(line) for line in requirements_of(name)]
    assert all(found), requirements_of(name)
    return {match[1]: match[2] for match in found}


def shipped(name, folder):
    """A folder with what a function ships of ours."""
    for source in sources_of(name):
        place = folder / source
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / source, place)
    return folder


def python(*arguments, cwd):
    return subprocess.run(
        [*PYTHON, *arguments],
        env=bare_environment(),
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_function_of_the_repository_has_a_row():
    assert set(ASSETS) == {path.parent.name for path in ROOT.glob("lambdas/*/handler.py")}


@pytest.mark.parametrize("name", ASSETS)
def test_the_packages_that_a_function_ships_are_exactly_those_that_it_reaches(name):
    assert set(ASSETS[name].packages) == needs(name).packages
    assert len(set(ASSETS[name].packages)) == len(ASSETS[name].packages)


@pytest.mark.parametrize("name", ASSETS)
def test_a_function_imports_all_that_it_ever_needs_from_what_it_ships_alone(
    name, distributions, tmp_path
):
    folder, found, pinned = shipped(name, tmp_path), needs(name), pins(name)
    unpinned = {module for module, names in distributions.items() if not names & set(pinned)}
    refused = unpinned - {"lambdas", "shared"}
    wanted = sorted({*found.modules, *found.third_party})
    done = python("-c", IMPORT_ALL, " ".join(sorted(refused)), *wanted, cwd=folder)
    assert done.returncode == 0, done.stderr[-1500:]
    loaded = done.stdout.splitlines()
    assert {Path(file) for file in loaded} >= {
        folder / p.relative_to(ROOT) for p in found.modules.values()
    }
    assert all(Path(file).is_relative_to(folder) for file in loaded)


@pytest.mark.parametrize("name", ASSETS)
def test_requirements_are_pinned_to_the_versions_that_the_tests_run_with(name):
    told = (ROOT / "constraints.txt").read_text().split()
    tested = {canonicalize_name(n): v for n, v in (line.split("==") for line in told)}
    assert pins(name) == {pinned: tested[pinned] for pinned in pins(name)}


@pytest.mark.parametrize("name", ASSETS)
def test_requirements_hold_what_is_imported_and_what_that_needs_and_no_more(name, distributions):
    extras_of = {"psycopg": {"binary"}}
    direct = {one for other in needs(name).third_party for one in distributions[other]}
    waiting = [(one, extras_of.get(one, set())) for one in direct]
    wanted = set()
    while waiting:
        one, extras = waiting.pop()
        wanted.add(one)
        for line in requires(one) or []:
            asked = Requirement(line)
            marker = asked.marker
            if marker and not any(marker.evaluate({"extra": e}) for e in ("", *extras)):
                continue
            if (again := canonicalize_name(asked.name)) not in wanted | LEFT_OUT:
                waiting.append((again, asked.extras))
    assert set(pins(name)) == wanted


def test_migrations_ship_the_revisions_that_alembic_finds_by_their_path(tmp_path):
    folder = shipped("migrations", tmp_path)
    done = python("-c", "from shared.db.migrations import head; print(head())", cwd=folder)
    newest = max((ROOT / "shared/db/migrations/versions").glob("r*.py"))
    assert done.stdout.strip() in newest.read_text()
    assert done.stdout.strip(), done.stderr
    assert Path("shared/db/migrations/env.py") in sources_of("migrations")


def test_files_beside_modules_are_shipped_or_known_not_to_run():
    packages = {package for asset in ASSETS.values() for package in asset.packages}
    beside = {
        path.relative_to(ROOT)
        for package in packages
        for path in ROOT.joinpath(*package.split(".")).iterdir()
        if path.is_file() and path.suffix != ".py"
    }
    unshipped = beside - {source for name in ASSETS for source in sources_of(name)}
    assert {path.name for path in unshipped} <= {"py.typed", "requirements.txt", "Dockerfile"}


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of our sources that may be changed, in place of the repository."""
    for folder in ("lambdas", "shared"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    for module in (table, packaging):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(packaging, "BUILD", tmp_path / "build")
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "affected"),
    [
        ("lambdas/insights/reviews.py", {"insights"}),
        ("lambdas/insights/requirements.txt", {"insights"}),
        ("shared/index/reader.py", {"inference", "retrieval"}),
        ("shared/db/migrations/versions/r0001_first_tables.py", {"migrations"}),
        ("shared/errors.py", set(ASSETS)),
        ("lambdas/inference/README.md", set()),
    ],
)
def test_a_change_rebuilds_the_functions_that_ship_it_and_no_other(copy, changed, affected):
    before = {name: packaging.bundle_hash(name) for name in ASSETS}
    line = "six==1.17.0 --hash=sha256:" + "0" * 64 if changed.endswith(".txt") else "# changed"
    with (copy / changed).open("a") as file:
        file.write(f"{line}\n")
    after = {name: packaging.bundle_hash(name) for name in ASSETS}
    assert {name for name in ASSETS if after[name] != before[name]} == affected


def make_wheel(folder, tag="cp312-cp312-manylinux_2_28_x86_64"):
    """A wheel with a module, a test folder and a command, as pip installs it."""
    info = "probe-1.0.dist-info"
    files = {
        "probe/__init__.py": "VALUE = 7\n",
        "probe/tests/test_probe.py": "",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: probe\nVersion: 1.0\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n",
        f"{info}/entry_points.txt": "[console_scripts]\nprobe = probe:main\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"probe-1.0-{tag}.whl", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


@pytest.fixture
def offline(copy, monkeypatch):
    """pip finds what lies in a folder, and nothing else."""
    (copy / "lambdas/insights/requirements.txt").write_text("probe==1.0\n")
    settings = {"NO_INDEX": "1", "FIND_LINKS": str(copy / "wheels"), "CONFIG_FILE": os.devnull}
    for name, value in settings.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    make_wheel(copy / "wheels")
    return copy


def test_the_same_sources_and_wheels_give_the_same_zip_byte_for_byte(offline, monkeypatch):
    first = packaging.bundle("insights")
    for path in offline.rglob("*.py"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    monkeypatch.setattr(packaging, "BUILD", offline / "elsewhere")
    second = packaging.bundle("insights")
    assert first != second
    assert first.read_bytes() == second.read_bytes()


def test_a_new_zip_takes_the_place_of_the_older_one_of_its_function(offline):
    first = packaging.bundle("insights")
    other = first.with_name("inference-0123456789abcdef.zip")
    other.write_bytes(b"")
    with (offline / "lambdas/insights/reviews.py").open("a") as file:
        file.write("# changed\n")
    second = packaging.bundle("insights")
    assert sorted(first.parent.iterdir()) == sorted([other, second])


def test_a_zip_holds_our_files_and_what_runs_of_the_wheels(offline):
    with zipfile.ZipFile(packaging.bundle("insights")) as archive:
        names = set(archive.namelist())
        modes = {entry.external_attr >> 16 & 0o777 for entry in archive.infolist()}
    assert {str(source) for source in sources_of("insights")} <= names
    beside = names - {str(source) for source in sources_of("insights")}
    info = "probe-1.0.dist-info"
    assert beside == {
        "probe/__init__.py",
        *(f"{info}/{name}" for name in ("METADATA", "WHEEL", "entry_points.txt")),
    }
    assert modes == {0o644}


def test_a_wheel_that_lambda_cannot_load_makes_no_zip(offline):
    shutil.rmtree(offline / "wheels")
    make_wheel(offline / "wheels", "cp311-cp311-manylinux_2_28_x86_64")
    make_wheel(offline / "wheels", "cp312-cp312-manylinux_2_39_x86_64")
    make_wheel(offline / "wheels", "cp312-cp312-manylinux_2_28_aarch64")
    with pytest.raises(subprocess.CalledProcessError):
        packaging.bundle("insights")
    assert not packaging.bundle_path("insights").exists()


def test_sources_that_changed_since_synthesis_are_not_published(tmp_path):
    done = python(str(SCRIPT), "insights", "--expect", "0" * 64, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "changed since synthesis" in done.stderr


@pytest.mark.parametrize("name", ["nothing", "processing"])
def test_no_zip_is_made_of_what_is_no_zip(name, tmp_path):
    done = python(str(SCRIPT), name, cwd=tmp_path)
    assert done.returncode == 2
    assert f"no zip is made of {name}" in done.stderr
    with pytest.raises(LookupError, match=name):
        assets.code_for(name)


def synthesized(outdir):
    """Templates and asset manifests of one stack per function, in a stage of its own."""
    import aws_cdk as cdk
    from aws_cdk import aws_ecr, aws_lambda

    app = cdk.App(outdir=str(outdir))
    stage = cdk.Stage(app, "stage")
    for name in ASSETS:
        stack = cdk.Stack(stage, name)
        if name in IMAGES:
            aws_lambda.DockerImageFunction(stack, "F", code=assets.image_for(name))
        else:
            aws_lambda.Function(
                stack,
                "F",
                runtime=aws_lambda.Runtime.PYTHON_3_12,
                handler=handler_of(name),
                code=assets.code_for(name),
            )
    promoted = cdk.Stack(stage, "promoted")
    repository = aws_ecr.Repository.from_repository_name(promoted, "Images", "reviewlens")
    code = assets.image_for("retrieval", repository=repository, digest=f"sha256:{'ab' * 32}")
    aws_lambda.DockerImageFunction(promoted, "F", code=code)
    app.synth()
    folder = outdir / "assembly-stage"
    return {
        kind: {
            path.name.removeprefix("stage"): json.loads(path.read_text())
            for path in folder.glob(f"*.{kind}.json")
        }
        for kind in ("template", "assets")
    }


@pytest.fixture(scope="module")
def assemblies(tmp_path_factory):
    """Synthesized without any bundle, and then with that of insights in place."""
    place = tmp_path_factory.mktemp("synth")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packaging, "BUILD", place / "build")
        without = synthesized(place / "without")
        bundle = packaging.bundle_path("insights")
        bundle.parent.mkdir(parents=True)
        bundle.write_bytes(b"PK bundle")
        return without, synthesized(place / "with"), place


def one(found, kind, name):
    matching = [value for key, value in found[kind].items() if key.startswith(name)]
    assert len(matching) == 1, list(found[kind])
    return matching[0]


def function_of(template):
    return next(
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
    )


def test_a_template_is_the_same_whether_its_zip_was_made_before_or_not(assemblies):
    without, bundled, _ = assemblies
    assert one(without, "template", "insights") == one(bundled, "template", "insights")
    key = function_of(one(without, "template", "insights"))["Code"]["S3Key"]
    assert key == packaging.bundle_hash("insights")


def test_a_zip_that_is_not_there_yet_is_made_when_it_is_published(assemblies):
    found = one(assemblies[0], "assets", "insights")["files"]
    source = found[packaging.bundle_hash("insights")]["source"]
    command = [
        sys.executable,
        str(SCRIPT),
        "insights",
        "--expect",
        packaging.bundle_hash("insights"),
    ]
    assert source == {"executable": command}


def test_a_zip_that_is_there_becomes_a_file_of_the_assembly(assemblies):
    _, bundled, place = assemblies
    source = one(bundled, "assets", "insights")["files"][packaging.bundle_hash("insights")][
        "source"
    ]
    assert source["packaging"] == "file"
    assert (place / "with" / "assembly-stage" / source["path"]).read_bytes() == b"PK bundle"


def test_inference_and_retrieval_are_one_image_with_two_commands(assemblies):
    pair = [function_of(one(assemblies[0], "template", n)) for n in ("inference", "retrieval")]
    assert pair[0]["Code"] == pair[1]["Code"]
    assert [f["ImageConfig"]["Command"] for f in pair] == [
        ["lambdas.inference.handler.handler"],
        ["lambdas.retrieval.handler.handler"],
    ]
    other = function_of(one(assemblies[0], "template", "processing"))
    assert other["Code"] != pair[0]["Code"]


def test_a_built_image_is_promoted_by_its_digest(assemblies):
    template, found = (
        one(assemblies[0], "template", "promoted"),
        one(assemblies[0], "assets", "promoted"),
    )
    code = json.dumps(function_of(template)["Code"])
    assert f"/reviewlens@sha256:{'ab' * 32}" in code
    assert found["dockerImages"] == {}
