"""A real stack in its own processes, with helpers for tests."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import httpx
import psutil
import psycopg

from local.aws.resources import local_client
from local.names import ARTEFACT_BUCKET, QUEUES, RAW_BUCKET, queue_url
from local.stack.cluster import USERNAME, stop_leftover_processes
from local.stack.postgres import DATABASE
from local.state import StateFolder
from reviewlens import Client, NotFoundError, Retry
from shared import errors
from shared.schemas.ingest import ingest_id_of
from shared.storage import artefacts
from shared.storage.objects import S3Store
from tests.models import model_folder

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
COMMAND = str(Path(sys.executable).with_name("reviewlens"))
SETTINGS = {"REVIEWLENS_POINTER_REFRESH_SECONDS": "1"}
TIMEOUT_SECONDS = 500.0
_POLL_SECONDS = 0.03
_API_POLL_SECONDS = 0.25
"""Requests take CPU time that the stack needs for its work."""
PAUSE_SECONDS = 0.2
"""Between the requests of a client that sends them continuously, for the same reason."""
_cached_client = cache(local_client)  # to make one takes a tenth of a second of CPU time


def wait_until(condition, *, what, within=TIMEOUT_SECONDS, every=_POLL_SECONDS):
    """Wait until the condition is truthy, and return its value."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what}: not within {within} s, last: {value!r}"
        time.sleep(every)


def have_ended(processes):
    """Whether all processes have ended."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                return False
    return True


class Stack:
    """``reviewlens up`` on a state folder; tests can start, kill and restart it."""

    def __init__(self, folder, **settings):
        self.folder = StateFolder(folder / "state")
        self._log = folder / "up.log"
        self._environment = os.environ | SETTINGS | settings
        self.process = None
        self.running = None
        self._api = None

    def launch(self, *options):
        """Start the command without waiting."""
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
        """Start the command and wait until it reports that it is running."""
        starts_before = self.output().count("Reviewlens is running")
        self.launch(*options)
        wait_until(lambda: self._is_up(starts_before), what=f"start of {self.folder.root}")
        return self

    def _is_up(self, starts_before):
        assert self.process.poll() is None, f"the command ended unexpectedly:\n{self.output()}"
        self.running = self.folder.running()
        # any announcement must be that of the running process
        assert self.running is None or self.running.pid == self.process.pid
        starts = self.output().count("Reviewlens is running")
        return self.running is not None and starts > starts_before

    def output(self):
        """The output of the command so far."""
        return self._log.read_text() if self._log.exists() else ""

    def processes(self):
        """The current processes of the command and all its children."""
        with suppress(psutil.NoSuchProcess):
            main = psutil.Process(self.process.pid)
            return [main, *main.children(recursive=True)]
        return []

    def child(self, name):
        """Current process id of a child, from the announcement."""
        return self.folder.running().children[name]

    def signal(self, number):
        """Send a signal to the command."""
        self.process.send_signal(number)

    def kill(self, *others):
        """``kill -9`` the command (and others), and wait until all its processes have ended."""
        processes = self.processes()
        self.signal(signal.SIGKILL)
        for other in others:
            other.kill()
        self.process.wait()
        wait_until(lambda: have_ended(processes), what="end of the killed stack's processes")

    def stop(self):
        """Stop the command, then kill its remaining processes."""
        self.close_api()
        if self.process is None or self.process.poll() is not None:
            return
        processes = self.processes()
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        finally:
            _kill(processes)

    def discard(self):
        """Kill the command and all its processes; ``stop`` would wait until its work is done."""
        self.close_api()
        if self.process is not None and self.process.poll() is None:
            _kill(self.processes())
            self.process.wait()

    # user operations

    def http(self, **options):
        """Plain HTTP to the API, for requests that the client does not send."""
        return httpx.Client(
            base_url=self.running.gateway_url, trust_env=False, timeout=180, **options
        )

    @property
    def api(self):
        """The client of the API; after a restart, one for the new port."""
        url = self.running.gateway_url
        if self._api is None or self._api[0] != url:
            self.close_api()
            self._api = url, Client(url, timeout=180, retry=Retry(attempts=1))
        return self._api[1]

    def close_api(self):
        """Close the connections of the client."""
        if self._api is not None:
            self._api[1].close()
            self._api = None

    def aws(self, service):
        """A boto3 client of the local AWS."""
        return _cached_client(service, self.running.aws_url, self.folder.aws_keys())

    def put(self, name, body):
        """Upload an object below uploads/; returns the ingest id."""
        key = f"uploads/{name}"
        etag = self.aws("s3").put_object(Bucket=RAW_BUCKET, Key=key, Body=body)["ETag"]
        return ingest_id_of(RAW_BUCKET, key, etag)

    def report(self, ingest_id):
        """The report of an ingest, None while it is unknown."""
        try:
            return self.api.ingest(ingest_id)
        except NotFoundError:
            return None

    def wait_for(self, ingest_id, *statuses):
        """Wait until an ingest has one of the statuses; checks its counts meanwhile."""
        expected = statuses or ("processed",)

        def report_with_status():
            report = self.report(ingest_id)
            if report is None:
                return None
            assert_counts_add_up(report)
            assert report.status in {*expected, "received", "collecting", "collected"}, report
            return report if report.status in expected else None

        what = f"{ingest_id} {expected}"
        return wait_until(report_with_status, what=what, every=_API_POLL_SECONDS)

    def rows(self, query, *arguments):
        """Rows of a query."""
        with psycopg.connect(
            host="127.0.0.1",
            port=self.running.database,
            user=USERNAME,
            password=self.folder.secrets()["database_password"],
            dbname=DATABASE,
        ) as connection:
            return connection.execute(query, arguments).fetchall()

    def count(self, query, *arguments):
        """The single value of a query."""
        return self.rows(query, *arguments)[0][0]

    @property
    def artefacts(self):
        """The artefact bucket."""
        return S3Store(self.aws("s3"), ARTEFACT_BUCKET)

    def idle(self):
        """Whether no queue has a message that is waiting or in work."""
        sqs = self.aws("sqs")
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        for plan in QUEUES:
            attributes = sqs.get_queue_attributes(
                QueueUrl=queue_url(self.running.aws_url, plan.queue), AttributeNames=names
            )["Attributes"]
            if any(int(attributes[name]) for name in names):
                return False
        return True

    def wait_for_index(self):
        """Wait until the served index has every stored review; returns its version."""
        stored = self.count("SELECT count(*) FROM reviews")

        def complete_index():
            pointer = artefacts.current(self.artefacts, "index")
            if pointer is None:
                return None
            try:
                manifest = artefacts.read_manifest(self.artefacts, "index", pointer.version)
            except errors.NotFoundError:  # retired after the pointer was read
                return None
            if manifest.count != stored or self.api.health().index_version != manifest.version:
                return None
            return manifest.version

        what = f"an index of {stored} reviews"
        return wait_until(complete_index, what=what, every=_API_POLL_SECONDS)


@contextmanager
def temporary_stack(**settings):
    """A stack in a temporary folder, not started yet; killed and removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="reviewlens-e2e-"))
    stack = Stack(folder, **settings)
    try:
        yield stack
    finally:
        try:
            stack.discard()
        finally:
            stop_leftover_processes(stack.folder.postgres, timeout=0)
            shutil.rmtree(folder, ignore_errors=True)


def _kill(processes):
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def assert_counts_add_up(report):
    """Check the sums that must always hold for the counts of an ingest."""
    parts = report.stored + report.duplicates + report.rejected
    assert report.rows_read == parts, report
    assert sum(report.rejects_by_reason.values()) == report.rejected, report


def counts(report):
    """Rows read, stored, duplicates, rejected."""
    return report.rows_read, report.stored, report.duplicates, report.rejected
