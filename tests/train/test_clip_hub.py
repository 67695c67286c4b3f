"""Checkpoints by their name on a hub: a server on loopback that answers as it does."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import huggingface_hub
import pytest
from huggingface_hub import constants, file_download

from sagemaker_jobs.clip.checkpoint import open_checkpoint
from sagemaker_jobs.clip.errors import CheckpointError
from tests.train import tiny_clip

NAME, COMMIT = "someone/tiny-clip", "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """Has one repository at one commit; ``requests`` keeps the paths."""

    def __init__(self, folder):
        self.files = {path.name: path.read_bytes() for path in folder.iterdir()}
        self.requests = []

    def answer(self, path):
        """Status, headers and body."""
        self.requests.append(path)
        if path in {f"/api/models/{NAME}", f"/api/models/{NAME}/revision/{COMMIT}"}:
            files = [{"rfilename": name} for name in self.files]
            return 200, {}, json.dumps({"id": NAME, "sha": COMMIT, "siblings": files}).encode()
        body = self.files.get(path.removeprefix(f"/{NAME}/resolve/{COMMIT}/"))
        if body is None:
            return 404, {"X-Error-Code": "RepoNotFound"}, b""
        return 200, {"ETag": f'"{hashlib.sha256(body).hexdigest()}"', "X-Repo-Commit": COMMIT}, body


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return tiny_clip.clip(tmp_path_factory.mktemp("checkpoint") / "tiny")


@pytest.fixture
def address(monkeypatch, tmp_path):
    """``address(url)``: the hub is there, with an empty cache."""

    def use(url):
        monkeypatch.setattr(constants, "ENDPOINT", url)
        template = url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(file_download, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        huggingface_hub.utils.reset_sessions()

    yield use
    monkeypatch.undo()
    huggingface_hub.utils.reset_sessions()


@pytest.fixture
def hub(checkpoint, address):
    running = Hub(checkpoint)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, headers, body = running.answer(self.path.partition("?")[0])
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - names of the base class

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    address(f"http://127.0.0.1:{server.server_port}")
    yield running
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("name", [NAME, f"{NAME}@{COMMIT}"])
def test_a_checkpoint_is_read_by_its_name_at_one_commit(hub, checkpoint, name):
    found = open_checkpoint(name)
    assert (found.kind, found.source) == ("clip", f"{NAME}@{COMMIT}")
    for file in ("config.json", "model.safetensors", "preprocessor_config.json"):
        assert (found.folder / file).read_bytes() == (checkpoint / file).read_bytes()
    assert not any("/resolve/main/" in path for path in hub.requests)
    hub.requests.clear()
    open_checkpoint(f"{NAME}@{COMMIT}")
    assert not any("/resolve/" in path for path in hub.requests), "it is in the cache"


def test_old_weights_are_downloaded_only_where_there_are_no_others(hub):
    hub.files["pytorch_model.bin"] = b"pickled"
    assert not (open_checkpoint(NAME).folder / "pytorch_model.bin").exists()


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("name", ["someone/else", f"{NAME}@{'1' * 40}"])
def test_what_the_hub_does_not_have_is_named(name):
    with pytest.raises(CheckpointError, match=f"{name} is not a folder and cannot be downloaded"):
        open_checkpoint(name)


@pytest.mark.parametrize("name", [NAME, f"{NAME}@{COMMIT}"])
def test_a_hub_that_cannot_be_reached_is_named(address, name):
    address("http://127.0.0.1:1")
    with pytest.raises(CheckpointError, match=f"{name} is not a folder and cannot be downloaded"):
        open_checkpoint(name)


@pytest.mark.parametrize("name", ["no such/folder", f"{NAME}@main", f"{NAME}@0123abc", "a/b/c"])
def test_what_is_neither_a_folder_nor_a_name_is_said(name):
    with pytest.raises(CheckpointError, match="neither a folder nor a name"):
        open_checkpoint(name)
