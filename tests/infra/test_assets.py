"""The assets of functions: complete, minimal and reproducible."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr, aws_lambda
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cdk.packaging import bundles, lambda_code, table
from cdk.packaging.import_graph import follow_imports
from cdk.packaging.table import ASSETS, IMAGES, handler_of, requirements_of, sources_of
from cdk.paths import ROOT
from tests.isolation import PYTHON, bare_environment

SCRIPT = ROOT / "scripts" / "release" / "bundle_functions.py"
PINNED = re.compile(r"([a-z0-9-]+)==(\S+)((?: --hash=sha256:[0-9a-f]{64})+)")
EXCLUDED = {"huggingface-hub"}

IMPORT_ALL = """
import importlib, sys
from importlib.abc import MetaPathFinder

blocked = set(sys.argv[1].split())

class Blocker(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"{name} is not shipped", name=name)

sys.meta_path.insert(0, Blocker())
for name in sys.argv[2:]:
    importlib.import_module(name)
for name, module in sys.modules.items():
    if name.split(".")[0] in ("lambdas", "shared") and getattr(module, "__file__", None):
        print(module.__file__)
"""


@pytest.fixture(scope="module")
def distributions():
    """Module → the distributions that contain it, in the environment of the tests."""
    return {
        module: {canonicalize_name(name) for name in names}
        for module, names in packages_distributions().items()
    }


def handler_imports(name):
    """Everything that the handler of a function imports."""
    return follow_imports([handler_of(name).rpartition(".")[0]])


def pins(name):
    """Distribution → version, from the function's requirements."""
    matches = [PINNED.fullmatch(line) for line in requirements_of(name)]
    assert all(matches), requirements_of(name)
    return {match[1]: match[2] for match in matches}


def copy_sources(name, folder):
    """Copy the first-party files of a function to a folder."""
    for source in sources_of(name):
        target = folder / source
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / source, target)
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


def test_every_function_is_in_the_table():
    assert set(ASSETS) == {path.parent.name for path in ROOT.glob("lambdas/*/handler.py")}


@pytest.mark.parametrize("name", ASSETS)
def test_a_function_ships_exactly_the_packages_that_it_imports(name):
    assert set(ASSETS[name].packages) == handler_imports(name).packages
    assert len(set(ASSETS[name].packages)) == len(ASSETS[name].packages)


@pytest.mark.parametrize("name", ASSETS)
def test_all_imports_of_a_function_work_with_only_what_it_ships(name, distributions, tmp_path):
    folder, graph, pinned = copy_sources(name, tmp_path), handler_imports(name), pins(name)
    unpinned = {module for module, names in distributions.items() if not names & set(pinned)}
    blocked = unpinned - {"lambdas", "shared"}
    modules = sorted({*graph.modules, *graph.third_party})
    done = python("-c", IMPORT_ALL, " ".join(sorted(blocked)), *modules, cwd=folder)
    assert done.returncode == 0, done.stderr[-1500:]
    loaded = done.stdout.splitlines()
    assert {Path(file) for file in loaded} >= {
        folder / p.relative_to(ROOT) for p in graph.modules.values()
    }
    assert all(Path(file).is_relative_to(folder) for file in loaded)


@pytest.mark.parametrize("name", ASSETS)
def test_requirements_are_pinned_to_the_tested_versions(name):
    lines = (ROOT / "constraints.txt").read_text().split()
    tested = {canonicalize_name(n): v for n, v in (line.split("==") for line in lines)}
    assert pins(name) == {pinned: tested[pinned] for pinned in pins(name)}


@pytest.mark.parametrize("name", ASSETS)
def test_requirements_contain_exactly_the_imports_and_their_dependencies(name, distributions):
    extras_of = {"psycopg": {"binary"}}
    direct = {one for other in handler_imports(name).third_party for one in distributions[other]}
    pending = [(one, extras_of.get(one, set())) for one in direct]
    required = set()
    while pending:
        one, extras = pending.pop()
        required.add(one)
        for line in requires(one) or []:
            requirement = Requirement(line)
            marker = requirement.marker
            if marker and not any(marker.evaluate({"extra": e}) for e in ("", *extras)):
                continue
            dependency = canonicalize_name(requirement.name)
            if dependency not in required | EXCLUDED:
                pending.append((dependency, requirement.extras))
    assert set(pins(name)) == required


def test_migrations_ship_the_revisions_that_alembic_loads_by_path(tmp_path):
    folder = copy_sources("migrations", tmp_path)
    done = python(
        "-c", "from shared.db.migrations import head_revision; print(head_revision())", cwd=folder
    )
    newest = max((ROOT / "shared/db/migrations/versions").glob("r*.py"))
    assert done.stdout.strip() in newest.read_text()
    assert done.stdout.strip(), done.stderr
    assert Path("shared/db/migrations/env.py") in sources_of("migrations")


def test_data_files_of_packages_are_shipped_unless_they_are_not_needed():
    packages = {package for asset in ASSETS.values() for package in asset.packages}
    data_files = {
        path.relative_to(ROOT)
        for package in packages
        for path in ROOT.joinpath(*package.split(".")).iterdir()
        if path.is_file() and path.suffix != ".py"
    }
    unshipped = data_files - {source for name in ASSETS for source in sources_of(name)}
    assert {path.name for path in unshipped} <= {"py.typed", "requirements.txt", "Dockerfile"}


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of our sources that a test may change, used instead of the repository."""
    for folder in ("lambdas", "shared", table.PICTURE_MODEL):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    for module in (table, bundles):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(bundles, "BUILD", tmp_path / "build")
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "affected"),
    [
        ("lambdas/insights/reviews.py", {"insights"}),
        ("lambdas/insights/requirements.txt", {"insights"}),
        ("shared/index/reader.py", {"inference", "retrieval", "review_pictures"}),
        ("shared/db/migrations/versions/r0001_first_tables.py", {"migrations"}),
        ("models/pictures/manifest.json", {"inference", "retrieval", "review_pictures"}),
        ("shared/errors.py", set(ASSETS)),
        ("lambdas/inference/README.md", set()),
    ],
)
def test_a_change_rebuilds_only_the_functions_that_ship_it(copy, changed, affected):
    before = {name: bundles.bundle_hash(name) for name in ASSETS}
    line = "six==1.17.0 --hash=sha256:" + "0" * 64 if changed.endswith(".txt") else "# changed"
    with (copy / changed).open("a") as file:
        file.write(f"{line}\n")
    after = {name: bundles.bundle_hash(name) for name in ASSETS}
    assert {name for name in ASSETS if after[name] != before[name]} == affected


def make_wheel(folder, tag="cp312-cp312-manylinux_2_28_x86_64"):
    """Create a wheel with a module, a test folder and a command."""
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
    """Restrict pip to the wheels in a folder."""
    (copy / "lambdas/insights/requirements.txt").write_text("probe==1.0\n")
    settings = {"NO_INDEX": "1", "FIND_LINKS": str(copy / "wheels"), "CONFIG_FILE": os.devnull}
    for name, value in settings.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    make_wheel(copy / "wheels")
    return copy


def test_the_same_sources_and_wheels_produce_an_identical_zip(offline, monkeypatch):
    first = bundles.bundle("insights")
    for path in offline.rglob("*.py"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    monkeypatch.setattr(bundles, "BUILD", offline / "elsewhere")
    second = bundles.bundle("insights")
    assert first != second
    assert first.read_bytes() == second.read_bytes()


def test_a_new_zip_replaces_the_older_one_of_its_function(offline):
    first = bundles.bundle("insights")
    other = first.with_name("inference-0123456789abcdef.zip")
    other.write_bytes(b"")
    with (offline / "lambdas/insights/reviews.py").open("a") as file:
        file.write("# changed\n")
    second = bundles.bundle("insights")
    assert sorted(first.parent.iterdir()) == sorted([other, second])


def test_a_zip_contains_our_files_and_only_the_needed_files_of_wheels(offline):
    with zipfile.ZipFile(bundles.bundle("insights")) as archive:
        names = set(archive.namelist())
        modes = {entry.external_attr >> 16 & 0o777 for entry in archive.infolist()}
    assert {str(source) for source in sources_of("insights")} <= names
    third_party = names - {str(source) for source in sources_of("insights")}
    info = "probe-1.0.dist-info"
    assert third_party == {
        "probe/__init__.py",
        *(f"{info}/{name}" for name in ("METADATA", "WHEEL", "entry_points.txt")),
    }
    assert modes == {0o644}


def test_a_wheel_that_lambda_cannot_load_is_an_error(offline):
    shutil.rmtree(offline / "wheels")
    make_wheel(offline / "wheels", "cp311-cp311-manylinux_2_28_x86_64")
    make_wheel(offline / "wheels", "cp312-cp312-manylinux_2_39_x86_64")
    make_wheel(offline / "wheels", "cp312-cp312-manylinux_2_28_aarch64")
    with pytest.raises(subprocess.CalledProcessError):
        bundles.bundle("insights")
    assert not bundles.bundle_path("insights").exists()


def test_sources_that_changed_since_synthesis_are_not_published(tmp_path):
    done = python(str(SCRIPT), "insights", "--expect", "0" * 64, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "changed since synthesis" in done.stderr


@pytest.mark.parametrize("name", ["nothing", "processing"])
def test_a_zip_of_an_unknown_or_too_large_function_is_an_error(name, tmp_path):
    done = python(str(SCRIPT), name, cwd=tmp_path)
    assert done.returncode == 2
    assert f"cannot be built as a zip: {name}" in done.stderr
    with pytest.raises(LookupError, match=name):
        lambda_code.code_for(name)


def synthesize(outdir):
    """Templates and asset manifests of a stage with one stack per function."""
    app = cdk.App(outdir=str(outdir))
    stage = cdk.Stage(app, "stage")
    for name in ASSETS:
        stack = cdk.Stack(stage, name.replace("_", "-"))
        if name in IMAGES:
            aws_lambda.DockerImageFunction(stack, "F", code=lambda_code.image_for(name))
        else:
            aws_lambda.Function(
                stack,
                "F",
                runtime=aws_lambda.Runtime.PYTHON_3_12,
                handler=handler_of(name),
                code=lambda_code.code_for(name),
            )
    promoted = cdk.Stack(stage, "promoted")
    repository = aws_ecr.Repository.from_repository_name(promoted, "Images", "reviewlens")
    code = lambda_code.image_for("retrieval", repository=repository, digest=f"sha256:{'ab' * 32}")
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
    """Two syntheses: without any bundle, and with the bundle of insights."""
    folder = tmp_path_factory.mktemp("synth")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundles, "BUILD", folder / "build")
        without = synthesize(folder / "without")
        bundle = bundles.bundle_path("insights")
        bundle.parent.mkdir(parents=True)
        bundle.write_bytes(b"PK bundle")
        return without, synthesize(folder / "with"), folder


def file_of(assembly, kind, name):
    """The template or the asset manifest of one stack."""
    matches = [value for key, value in assembly[kind].items() if key.startswith(name)]
    assert len(matches) == 1, list(assembly[kind])
    return matches[0]


def function_of(template):
    return next(
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
    )


def test_a_template_does_not_depend_on_an_existing_zip(assemblies):
    without, bundled, _ = assemblies
    assert file_of(without, "template", "insights") == file_of(bundled, "template", "insights")
    key = function_of(file_of(without, "template", "insights"))["Code"]["S3Key"]
    assert key == bundles.bundle_hash("insights")


def test_a_missing_zip_is_built_when_it_is_published(assemblies):
    files = file_of(assemblies[0], "assets", "insights")["files"]
    source = files[bundles.bundle_hash("insights")]["source"]
    command = [
        sys.executable,
        str(SCRIPT),
        "insights",
        "--expect",
        bundles.bundle_hash("insights"),
    ]
    assert source == {"executable": command}


def test_an_existing_zip_becomes_a_file_of_the_assembly(assemblies):
    _, bundled, folder = assemblies
    files = file_of(bundled, "assets", "insights")["files"]
    source = files[bundles.bundle_hash("insights")]["source"]
    assert source["packaging"] == "file"
    assert (folder / "with" / "assembly-stage" / source["path"]).read_bytes() == b"PK bundle"


def test_inference_and_retrieval_are_one_image_with_two_commands(assemblies):
    pair = [function_of(file_of(assemblies[0], "template", n)) for n in ("inference", "retrieval")]
    assert pair[0]["Code"] == pair[1]["Code"]
    assert [f["ImageConfig"]["Command"] for f in pair] == [
        ["lambdas.inference.handler.handler"],
        ["lambdas.retrieval.handler.handler"],
    ]
    other = function_of(file_of(assemblies[0], "template", "processing"))
    assert other["Code"] != pair[0]["Code"]


def test_an_existing_image_is_promoted_by_its_digest(assemblies):
    code = function_of(file_of(assemblies[0], "template", "promoted"))["Code"]
    assert f"/reviewlens@sha256:{'ab' * 32}" in json.dumps(code)
    assert file_of(assemblies[0], "assets", "promoted")["dockerImages"] == {}
