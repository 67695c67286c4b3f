"""A real stack in processes of its own, and what tests ask of it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import psycopg

from local.aws.resources import local_client
from local.names import ARTEFACT_BUCKET, QUEUES, RAW_BUCKET, queue_url
from local.stack.postgres import DATABASE, USERNAME, stop_leftover_processes
from local.state import StateFolder
from shared.schemas.ingest import ingest_id_of
from shared.storage import artefacts
from shared.storage.objects import S3Store
from tests.models import model_folder

COMMAND = str(Path(sys.executable).with_name("reviewlens"))
SETTINGS = {"REVIEWLENS_POINTER_REFRESH_SECONDS": "1"}
PATIENCE = 150.0
_PAUSE = 0.03


def wait_until(ask, *, what, within=PATIENCE):
    """Ask until the answer is truthy, and return it."""
    deadline = time.monotonic() + within
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"{what}: not within {within} s, last: {answer!r}"
        time.sleep(_PAUSE)


def gone(processes):
    """Whether all of them have ended."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                return False
    return True


class Stack:
    """``reviewlens up`` on a state folder: started, killed and started again at will."""

    def __init__(self, folder, **settings):
        self.folder = StateFolder(folder / "state")
        self._log = folder / "up.log"
        self._environment = os.environ | SETTINGS | settings
        self.process = None
        self.running = None

    def launch(self, *options):
        """Start the command and wait for nothing."""
        ports = ("--port", "0", "--aws-port", "0", "--database-port", "0")
        arguments = (*ports, "--state", str(self.folder.root), "--model", str(model_folder()))
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [COMMAND, "up", *arguments, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
            )
        return self

    def start(self, *options):
        """Start the command and wait until it says that it is up."""
        said = self.said().count("Reviewlens is running")
        self.launch(*options)
        wait_until(lambda: self._is_up(said), what=f"start of {self.folder.root}")
        return self

    def _is_up(self, said):
        assert self.process.poll() is None, f"it ended by itself:\n{self.said()}"
        self.running = self.folder.running()
        # whatever is announced is announced by the process that runs
        assert self.running is None or self.running.pid == self.process.pid
        return self.running is not None and self.said().count("Reviewlens is running") > said

    def said(self):
        """What the command printed so far."""
        return self._log.read_text() if self._log.exists() else ""

    def processes(self):
        """The command and everything below it, as it is now."""
        with suppress(psutil.NoSuchProcess):
            main = psutil.Process(self.process.pid)
            return [main, *main.children(recursive=True)]
        return []

    def child(self, name):
        """Process id of a child, as announced now."""
        return self.folder.running().children[name]

    def signal(self, number):
        """Send a signal to the command."""
        self.process.send_signal(number)

    def kill(self, *others):
        """``kill -9`` of the command (and others); wait until nothing of it is left."""
        everything = self.processes()
        self.signal(signal.SIGKILL)
        for other in others:
            other.kill()
        self.process.wait()
        wait_until(lambda: gone(everything), what="end of the killed stack's processes")

    def stop(self):
        """End whatever still runs, gently at first."""
        if self.process is None or self.process.poll() is not None:
            return
        everything = self.processes()
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        finally:
            for process in everything:
                with suppress(psutil.NoSuchProcess):
                    process.kill()

    # what users do with it

    def client(self, **options):
        """A client of the HTTP API."""
        return httpx.Client(
            base_url=self.running.gateway_url, trust_env=False, timeout=60, **options
        )

    def get(self, path, **query):
        """GET, answered with 200."""
        with self.client() as client:
            answer = client.get(path, params=query or None)  # {} takes a query away
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path, body=None, *, status=200):
        """POST of JSON, answered with ``status``."""
        with self.client() as client:
            answer = client.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def aws(self, service):
        """A boto3 client of the local AWS."""
        return local_client(service, self.running.aws_url)

    def put(self, name, body):
        """Upload below uploads/; returns the ingest id."""
        key = f"uploads/{name}"
        etag = self.aws("s3").put_object(Bucket=RAW_BUCKET, Key=key, Body=body)["ETag"]
        return ingest_id_of(RAW_BUCKET, key, etag)

    def report(self, ingest_id):
        """What /collect/{id} says, None while it is unknown."""
        with self.client() as client:
            answer = client.get(f"/collect/{ingest_id}")
        assert answer.status_code in {200, 404}, answer.text
        return answer.json() if answer.status_code == 200 else None

    def wait_for(self, ingest_id, *statuses):
        """Wait until an ingest has one of the statuses; its counts add up all the while."""
        wanted = statuses or ("processed",)

        def there():
            found = self.report(ingest_id)
            if found is None:
                return None
            assert_adds_up(found)
            assert found["status"] in {*wanted, "received", "collecting", "collected"}, found
            return found if found["status"] in wanted else None

        return wait_until(there, what=f"{ingest_id} {wanted}")

    def rows(self, query, *arguments):
        """What PostgreSQL says."""
        with psycopg.connect(
            host="127.0.0.1",
            port=self.running.database,
            user=USERNAME,
            password=self.folder.secrets()["database_password"],
            dbname=DATABASE,
        ) as connection:
            return connection.execute(query, arguments).fetchall()

    def count(self, query, *arguments):
        """The one number that PostgreSQL says."""
        return self.rows(query, *arguments)[0][0]

    @property
    def artefacts(self):
        """The artefact bucket."""
        return S3Store(self.aws("s3"), ARTEFACT_BUCKET)

    def idle(self):
        """Whether no queue has a message that is waiting or being worked on."""
        sqs = self.aws("sqs")
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        for plan in QUEUES:
            found = sqs.get_queue_attributes(
                QueueUrl=queue_url(self.running.aws_url, plan.queue), AttributeNames=names
            )["Attributes"]
            if any(int(found[name]) for name in names):
                return False
        return True

    def wait_for_index(self):
        """Wait until the index that answers holds every stored review; returns its version."""
        stored = self.count("SELECT count(*) FROM reviews")

        def current():
            pointer = artefacts.current(self.artefacts, "index")
            if pointer is None:
                return None
            manifest = artefacts.read_manifest(self.artefacts, "index", pointer.version)
            serving = self.get("/health")["index_version"]
            complete = manifest.count == stored and serving == manifest.version
            return manifest.version if complete else None

        return wait_until(current, what=f"an index of {stored} reviews")


@contextmanager
def temporary_stack(**settings):
    """A stack that is not started yet, in a folder of its own; ended and removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="reviewlens-e2e-"))
    stack = Stack(folder, **settings)
    try:
        yield stack
    finally:
        try:
            stack.stop()
        finally:
            stop_leftover_processes(stack.folder.postgres, timeout=0)
            shutil.rmtree(folder, ignore_errors=True)


def assert_adds_up(report):
    """The sum that holds for every ingest at every moment."""
    parts = report["stored"] + report["duplicates"] + report["rejected"]
    assert report["rows_read"] == parts, report
    assert sum(report["rejects_by_reason"].values()) == report["rejected"], report


def counts(report):
    """Rows read, stored, duplicates, rejected."""
    return tuple(report[name] for name in ("rows_read", "stored", "duplicates", "rejected"))
