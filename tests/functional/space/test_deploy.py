"""Uploading the Space: a dry run lists exactly what is uploaded, and the token is never shown."""

import pytest

from cdk.paths import ROOT
from tests.functional.space.hub import Hub

TOKEN = "hf_" + "0123456789abcdef" * 2


@pytest.fixture
def hub():
    made = Hub(TOKEN)
    yield made
    made.close()


@pytest.fixture
def upload(run, hub, tmp_path):
    """The upload of a small folder to the hub on this machine."""
    folder = tmp_path / "folder"
    (folder / "local").mkdir(parents=True)
    (folder / "README.md").write_text("---\nsdk: gradio\n---\n")
    (folder / "app.py").write_text("print()\n")
    (folder / "local" / "stack.py").write_text("x = 1\n")

    def call(token=TOKEN, expect=0, **variables):
        settings = {"HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "hf"), "HF_TOKEN": token}
        arguments = (folder, "--repo", "somebody/reviewlens", "--private")
        return run("upload_space.py", *arguments, expect=expect, **settings, **variables)

    return call


def test_a_dry_run_lists_every_file_with_its_size_without_token_or_network(run):
    output = run(
        "deploy_to_hf.sh", "--dry-run", "--name", "my-reviews", HF_USERNAME="somebody",
        HTTPS_PROXY="http://127.0.0.1:9", HF_ENDPOINT="http://127.0.0.1:9",
    ).stdout  # fmt: skip
    listed = run("build_space.py", "--list").stdout
    head, _, rest = output.partition("\n")
    assert head == "Files to upload to https://huggingface.co/spaces/somebody/my-reviews:"
    assert rest == listed
    size = (ROOT / "models/default/model.onnx").stat().st_size
    assert f"{size:,}  models/default/model.onnx" in rest


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"HF_USERNAME": "somebody"}, "HF_TOKEN"),
        ({"HF_TOKEN": TOKEN}, "HF_USERNAME"),
    ],
)
def test_without_token_or_account_nothing_is_built(run, environment, words):
    done = run("deploy_to_hf.sh", expect=1, **environment)
    assert words in done.stderr
    assert TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [("--name", "../other"), ("--name", ""), ("--force",)])
def test_wrong_options_are_refused(run, arguments):
    run("deploy_to_hf.sh", *arguments, expect=2, HF_TOKEN=TOKEN, HF_USERNAME="somebody")


def test_an_upload_makes_the_space_equal_to_the_folder(upload, hub):
    done = upload()
    assert set(hub.files) == {".gitattributes", "README.md", "app.py", "local/stack.py"}
    assert hub.files["local/stack.py"] == b"x = 1\n"
    created = hub.created[0]
    assert (created["type"], created["sdk"]) == ("space", "gradio")
    assert "somebody/reviewlens" in done.stdout
    assert TOKEN not in done.stdout + done.stderr
    assert not [path for _, path in hub.requests if TOKEN in path]


def test_a_refused_token_is_an_error_and_not_shown(upload, hub):
    other = "hf_" + "f" * 32
    done = upload(token=other, expect=1)
    assert "The upload failed" in done.stderr
    assert other not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert set(hub.files) == {".gitattributes", "old.py"}


def test_the_whole_folder_is_uploaded(run, hub, tmp_path):
    run(
        "deploy_to_hf.sh", HF_TOKEN=TOKEN, HF_USERNAME="somebody", HF_ENDPOINT=hub.address,
        HF_HOME=str(tmp_path / "hf"),
    )  # fmt: skip
    listed = run("build_space.py", "--list").stdout.splitlines()[:-1]
    assert set(hub.files) == {".gitattributes", *(line.split()[1] for line in listed)}
