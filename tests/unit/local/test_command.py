"""The command line: its version, and Ctrl-C."""

from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from local.cli import ingest
from local.cli.main import application
from reviewlens.models import IngestReport


def test_the_version_is_shown():
    result = CliRunner().invoke(application, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"reviewlens {version('reviewlens')}\n")


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
