"""The command line: its version, and Ctrl-C."""

from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from local.cli import ingest
from local.cli.main import application


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
