"""The page's own back end: the whole stack on loopback, with the shipped model and the samples."""

import logging
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

from frontend_space.backend import State
from frontend_space.stalls import StallWatch
from reviewlens import ApiError, Client

log = logging.getLogger(__name__)
_ROOT = Path(__file__).resolve().parents[1]
MODEL = _ROOT / "models" / "default"
SAMPLES = _ROOT / "samples"
_PATTERNS = ("*.jsonl.gz", "*.csv", "*.tsv", "*.review")
_FOLDER = "samples"


class EmbeddedBackend:
    """Starts in a thread of its own: the page is served at once and shows the progress."""

    def __init__(self, state: Path | None, *, samples: Path = SAMPLES, login: bool = False) -> None:
        """Prepare the back end.

        Args:
            state: folder of the stack; None: a temporary one.
            samples: folder of dumps to ingest first.
            login: whether the API behind the page asks for a token, too.
        """
        self._folder = state
        self._samples = samples
        self._login = login
        self._cleanup = ExitStack()
        self._client: Client | None = None
        self._state = State("starting", "Starting: the database and the model are being loaded.")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stack", daemon=True)

    @property
    def client(self) -> Client | None:
        """The client of the stack; None before it answers."""
        return self._client

    def state(self) -> State:
        """The present state."""
        return self._state

    def start(self) -> None:
        """Start the stack; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop everything, even if it is still starting."""
        self._stopped.set()
        self._thread.join(120)
        self._cleanup.close()

    def _run(self) -> None:
        try:
            self._feed(self._start())
            self._stopped.wait()
        except Exception as error:
            log.exception("the stack of the page did not start")
            reason = getattr(error, "message", str(error))
            self._state = State("failed", f"The page's own server did not start: {reason}")

    def _start(self) -> Client:
        from local.stack.stack import Stack
        from local.state import Ports, StateFolder

        folder = self._folder
        if folder is None:
            temporary = tempfile.TemporaryDirectory(
                prefix="reviewlens-page-", ignore_cleanup_errors=True
            )
            folder = Path(self._cleanup.enter_context(temporary)) / "state"
        state = StateFolder(folder)
        stack = Stack(
            state,
            Ports(gateway=0, aws=0, database=0),
            model=MODEL if (MODEL / "manifest.json").is_file() else None,
            login=self._login,
        )
        running = stack.start()
        self._cleanup.callback(stack.stop)
        self._cleanup.enter_context(stack.watch_in_background())
        self._endpoint, self._keys = running.aws_url, state.aws_keys()
        self._client = client = Client(running.gateway_url, api_key=state.gateway_token())
        self._cleanup.callback(client.close)
        return client

    def _feed(self, client: Client) -> None:
        """Upload the samples; uploading them again repeats no ingest."""
        from local.aws.resources import local_client
        from local.dumps import plan_uploads
        from local.stack.uploads import send

        dumps = sorted(path for pattern in _PATTERNS for path in self._samples.glob(pattern))
        message = "Ready for texts. The sample reviews are being read: {} of {} files."
        ids = []
        if dumps:
            s3 = local_client("s3", self._endpoint, self._keys)
            plan = plan_uploads(dumps, prefix=_FOLDER)
            ids = [send(s3, upload, lambda _sent: None) for upload in plan]
        done: set[str] = set()
        watch = StallWatch(client.health)
        while len(done) < len(ids) and not self._stopped.is_set():
            stall = watch.warning(len(done))
            self._state = State("filling", f"{message.format(len(done), len(ids))} {stall}".strip())
            done |= {name for name in set(ids) - done if _is_finished(client, name)}
            self._stopped.wait(0.3)
        message = "Ready for texts. The search index is being built."
        while ids and not self._stopped.is_set() and not _is_indexed(client):
            self._state = State("filling", f"{message} {watch.warning('index')}".strip())
            self._stopped.wait(0.3)
        self._state = State("ready", "")


def _is_finished(client: Client, ingest_id: str) -> bool:
    try:
        return client.ingest(ingest_id).status.is_final
    except ApiError:
        return False


def _is_indexed(client: Client) -> bool:
    try:
        return bool(client.health().index_version)
    except ApiError:
        return False
