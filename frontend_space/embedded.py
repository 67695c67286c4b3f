"""The page's own back end: the whole stack on loopback, over the shipped model and the samples."""

import logging
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

from frontend_space.backend import State
from frontend_space.client import Client
from frontend_space.problems import ApiError

log = logging.getLogger(__name__)
_ROOT = Path(__file__).resolve().parents[1]
MODEL = _ROOT / "models" / "default"
SAMPLES = _ROOT / "samples"
_PATTERNS = ("*.jsonl.gz", "*.csv", "*.tsv", "*.review")
_FOLDER = "samples"


class EmbeddedBackend:
    """Starts in a thread of its own, so that the page is there at once and says how far it is."""

    def __init__(self, state: Path | None, *, samples: Path = SAMPLES) -> None:
        """Prepare it.

        Args:
            state: folder that it keeps; a temporary one where None.
            samples: dumps to begin with.
        """
        self._folder = state
        self._samples = samples
        self._cleanup = ExitStack()
        self._client: Client | None = None
        self._state = State("starting", "Starting: the database and the model are being loaded.")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stack", daemon=True)

    @property
    def client(self) -> Client | None:
        """What asks the stack; None before it answers."""
        return self._client

    def state(self) -> State:
        """How far it is."""
        return self._state

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop everything, also where it is still starting."""
        self._ended.set()
        self._thread.join(120)
        self._cleanup.close()

    def _run(self) -> None:
        try:
            self._start()
            self._feed()
            self._ended.wait()
        except Exception as error:
            log.exception("the stack of the page did not start")
            told = getattr(error, "message", str(error))
            self._state = State("failed", f"The page's own server did not start: {told}")

    def _start(self) -> None:
        from local.stack.stack import Stack
        from local.state import Ports, StateFolder

        folder = self._folder
        if folder is None:
            made = tempfile.TemporaryDirectory(
                prefix="reviewlens-page-", ignore_cleanup_errors=True
            )
            folder = Path(self._cleanup.enter_context(made)) / "state"
        stack = Stack(
            StateFolder(folder),
            Ports(gateway=0, aws=0, database=0),
            model=MODEL if (MODEL / "manifest.json").is_file() else None,
        )
        running = stack.start()
        self._cleanup.callback(stack.stop)
        self._cleanup.enter_context(stack.watch_in_background())
        self._endpoint = running.aws_url
        self._client = Client(running.gateway_url)
        self._cleanup.callback(self._client.close)

    def _feed(self) -> None:
        """Put the samples into the bucket; the same ones again are the same ingests."""
        from local.aws.resources import local_client
        from local.stack.uploads import plan_uploads, send

        dumps = sorted(path for pattern in _PATTERNS for path in self._samples.glob(pattern))
        told = "Ready for texts. The sample reviews are being read: {} of {} files."
        ids = []
        if dumps:
            s3 = local_client("s3", self._endpoint)
            plan = plan_uploads(dumps, prefix=_FOLDER)
            ids = [send(s3, upload, lambda _sent: None) for upload in plan]
        done: set[str] = set()
        while len(done) < len(ids) and not self._ended.is_set():
            self._state = State("filling", told.format(len(done), len(ids)))
            done |= {name for name in set(ids) - done if self._is_over(name)}
            self._ended.wait(0.3)
        while ids and not self._ended.is_set() and not self._indexed():
            self._state = State("filling", "Ready for texts. The search index is being built.")
            self._ended.wait(0.3)
        self._state = State("ready", "")

    def _is_over(self, ingest_id: str) -> bool:
        try:
            return bool(self._client and self._client.ingest(ingest_id).is_over)
        except ApiError:
            return False

    def _indexed(self) -> bool:
        try:
            return bool(self._client and self._client.health().index_version)
        except ApiError:
            return False
