"""The command line: its version and help, and Ctrl-C."""

import json
import subprocess
import sys
from contextlib import nullcontext
from importlib.metadata import version
from types import SimpleNamespace

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from local.cli import exclusions, forget, ingest, redrive
from local.cli.failed_shards import describe_failed
from local.cli.main import application
from reviewlens.models import Exclusion, IngestList, IngestReport, ProcessAccepted, UndoState


def test_the_version_is_shown():
    result = CliRunner().invoke(application, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"reviewlens {version('reviewlens')}\n")


COMMANDS = get_command(application).commands


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command):
    result = CliRunner().invoke(application, [command, "--help"])
    assert result.exit_code == 0
    if "commands" not in vars(COMMANDS[command]):
        assert f"reviewlens {command}" in result.stdout.partition("Example:")[2]


def test_a_command_does_not_wait_for_the_imports_of_others(tmp_path):
    (tmp_path / "entry.py").write_text(
        "import sys\nfrom local.cli import main\ntry:\n    main()\nfinally:\n"
        "    print(sorted({'boto3', 'psycopg', 'pyarrow', 'local.cli.up'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, str(tmp_path / "entry.py"), "status", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Show addresses, health" in done.stdout
    assert done.stdout.endswith("\n[]\n")


@pytest.mark.parametrize(
    ("options", "look"),
    [
        ([], "`reviewlens status`"),
        (["--api-url", "https://a.example"], "`reviewlens status --api-url https://a.example`"),
    ],
    ids=["stack", "api"],
)
def test_ctrl_c_while_waiting_says_what_continues(monkeypatch, options, look):
    def interrupt(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(ingest, "_ingest", interrupt)
    result = CliRunner().invoke(application, ["ingest", "reviews.csv", *options])
    assert result.exit_code == 130
    assert "collected, processed and indexed all the same" in result.stderr
    assert f"{look} shows the progress" in result.stderr


@pytest.mark.parametrize(
    ("rejected", "share", "status"),
    [
        (30, None, 3),
        (30, 0.5, 0),
        (30, 0.3, 0),
        (30, 0.29, 3),
        (10, None, 0),
        (10, 0, 3),
        (0, 0, 0),
    ],
)
def test_the_share_of_rejects_decides_the_exit_status(rejected, share, status):
    final = "processed_with_warnings" if rejected > 20 else "processed"
    report = IngestReport.model_construct(status=final, rows_read=100, rejected=rejected)
    assert ingest._exit_status([report], share) == status


FAILED_SHARD = {
    "part": 1,
    "rows": 50,
    "attempts": 5,
    "reason": "internal_error: MemoryError",
    "failed_at": "2026-11-29T12:00:00Z",
}


def report_of(ingest_id, **fields):
    place = {"bucket": "raw", "key": "uploads/a.csv", "etag": "e"}
    return IngestReport(
        **{"ingest_id": ingest_id, "status": "processed_with_warnings", **place, **fields}
    )


def test_a_failed_shard_is_named_with_its_reason_and_the_way_on():
    report = report_of("ing_1", shards=3, shards_failed=2, failed_shards=[FAILED_SHARD])
    assert list(describe_failed(report)) == [
        "part 1 with 50 reviews failed after 5 attempts: internal_error: MemoryError",
        "1 more parts failed",
        "try again: reviewlens redrive ing_1",
    ]
    assert list(describe_failed(report_of("ing_2", shards=3))) == []
    assert ingest._exit_status([report], None) == 1


def test_redrive_takes_up_all_ingests_with_failed_shards(monkeypatch):
    """The API lists two pages; only ingests with failed shards are processed again."""

    processed = []

    class Api:
        def ingests(self, limit, cursor):
            if cursor is None:
                reports = [report_of("ing_1", shards_failed=2), report_of("ing_2")]
                return IngestList(ingests=reports, next_cursor="c")
            return IngestList(ingests=[report_of("ing_3", shards_failed=1)])

        def process(self, ingest_id):
            processed.append(ingest_id)
            message = f"{len(processed)} shards queued"
            return ProcessAccepted(ingest_id=ingest_id, message=message, shards=1)

    monkeypatch.setattr(redrive, "open_api", lambda *_: nullcontext(Api()))
    result = CliRunner().invoke(application, ["redrive"])
    assert (result.exit_code, processed) == (0, ["ing_1", "ing_3"])
    assert "ing_1: 1 shards queued" in result.stdout
    processed.clear()
    assert CliRunner().invoke(application, ["redrive", "ing_2"]).exit_code == 0
    assert processed == ["ing_2"]


def undo_state(status):
    removed = {"rows": 80, "rejects": 1, "embeddings": {"m1": 2}, "raw_versions": 1}
    later = [
        {
            "what": "automatic backups of the database and the buckets",
            "until": "2026-12-08T00:00:00Z",
        }
    ]
    receipt = {"requested_at": "2026-11-30T10:00:00Z", "removed": removed, "later": later}
    return UndoState(ingest_id="ing_1", status=status, undo=receipt)


class ForgettingApi:
    def __init__(self):
        self.forgotten = []

    def forget(self, ingest_id):
        self.forgotten.append(ingest_id)
        return undo_state("undoing")

    def ingest(self, _ingest_id):
        return SimpleNamespace(**dict(undo_state("undone")))

    def forget_reviewer(self, reviewer_id):
        self.forgotten.append(reviewer_id)
        return excluded("removing")

    def forget_product(self, product_id):
        self.forgotten.append(product_id)
        return excluded("removing", kind="product", product_id=product_id)

    def exclusion(self, _exclusion_id):
        return excluded("removed")

    def exclusions(self):
        return iter([excluded("removed")])

    def end_exclusion(self, _exclusion_id):
        return excluded("ended")


def excluded(status, kind="reviewer", product_id=None):
    uploads = [{"ingest_id": "ing_1", "key": "uploads/a.csv", "rows": 3}]
    receipt = {
        "requested_at": "2026-11-30T10:00:00Z",
        "removed": {"rows": 3, "rejects": 1, "clean_shards": 2, "embeddings": {"m1": 2}},
        "uploads": uploads,
        "what_to_do": "undo an upload",
    }
    state = {"kind": kind, "product_id": product_id, "status": status}
    return Exclusion(exclusion_id="exc_1", receipt=receipt, **state)


def test_forget_waits_and_prints_the_receipt(monkeypatch):
    api = ForgettingApi()
    monkeypatch.setattr(forget, "open_api", lambda *_: nullcontext(api))
    monkeypatch.setattr(forget.time, "sleep", lambda _: None)
    result = CliRunner().invoke(application, ["forget", "ing_1", "--yes"])
    assert (result.exit_code, api.forgotten) == (0, ["ing_1"])
    assert "ing_1: undone" in result.stdout
    assert "80 reviews, 1 rejected rows" in result.stdout
    assert (
        "automatic backups of the database and the buckets until 2026-12-08 00:00 UTC"
        in result.stdout
    )


def test_forget_asks_first(monkeypatch):
    api = ForgettingApi()
    monkeypatch.setattr(forget, "open_api", lambda *_: nullcontext(api))
    result = CliRunner().invoke(application, ["forget", "ing_1"], input="n\n")
    assert (result.exit_code, api.forgotten) == (1, [])
    assert "Remove everything that came from ing_1?" in result.stderr


def test_forget_can_leave_the_work_in_the_background(monkeypatch):
    monkeypatch.setattr(forget, "open_api", lambda *_: nullcontext(ForgettingApi()))
    result = CliRunner().invoke(application, ["forget", "ing_1", "-y", "--no-wait", "--json"])
    assert json.loads(result.stdout)["ingests"][0]["status"] == "undoing"


def test_forget_removes_reviewers_and_products(monkeypatch):
    api = ForgettingApi()
    monkeypatch.setattr(forget, "open_api", lambda *_: nullcontext(api))
    monkeypatch.setattr(forget.time, "sleep", lambda _: None)
    options = ["--reviewer", "Ann", "--product", "P1", "--yes"]
    result = CliRunner().invoke(application, ["forget", *options])
    assert (result.exit_code, api.forgotten) == (0, ["Ann", "P1"])
    assert "exc_1 (reviewer): removed" in result.stdout
    assert "3 reviews, the text of 1 rejected rows" in result.stdout
    assert "still in the uploaded file: 3 reviews: uploads/a.csv (ing_1)" in result.stdout
    assert "what to do: undo an upload" in result.stdout
    asked = CliRunner().invoke(application, ["forget", *options[:4]], input="n\n")
    assert "Remove the reviews of Ann and the products P1?" in asked.stderr


def test_forget_needs_something_to_forget():
    result = CliRunner().invoke(application, ["forget", "--yes"])
    assert result.exit_code == 2
    assert "name an ingest, a --reviewer or a --product" in result.stderr


def test_exclusions_are_listed_and_ended(monkeypatch):
    monkeypatch.setattr(exclusions, "open_api", lambda *_: nullcontext(ForgettingApi()))
    assert "exc_1 (reviewer): removed" in CliRunner().invoke(application, ["exclusions"]).stdout
    ended = CliRunner().invoke(application, ["exclusions", "--end", "exc_1", "--json"])
    assert json.loads(ended.stdout)["exclusions"][0]["status"] == "ended"
