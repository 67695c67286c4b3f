"""Training on a real stack: a real job if its environment is installed, and recovery."""

import json
import os
import signal
import subprocess
import sys

import httpx
import pytest

from local.stack.environment import child_environment, function_environment
from local.stack.ports import free_port
from local.training.launcher import CHECKOUT
from reviewlens import ConflictError, ServerError
from tests.e2e.stack import COMMAND, have_ended, temporary_stack, wait_until
from tests.training import LocalJobs, is_alive

pytestmark = pytest.mark.slow
PYTHON = CHECKOUT / ".venv-train" / "bin" / "python"
BODY = {"model_name": "own-encoder", "epochs": 2, "batch_size": 16, "learning_rate": 3e-5}
METRICS = 'metrics {"epoch": 0, "step": 50, "steps": 100, "seconds": 10, "sentiment": 0.5}'


@pytest.fixture
def tiny(tmp_path):
    """A folder with a tiny encoder and data, created in the training environment."""
    if not os.access(PYTHON, os.X_OK):
        pytest.skip("no training environment: `make train-env` makes .venv-train")
    command = [PYTHON, "-m", "tests.train.tiny", str(tmp_path)]
    subprocess.run(command, cwd=CHECKOUT, check=True, timeout=560)
    return tmp_path


def settings(folder, python=PYTHON):
    return {
        "REVIEWLENS_TRAIN_PYTHON": str(python),
        "REVIEWLENS_TRAIN_DATA": str(folder / "data"),
        "REVIEWLENS_TRAIN_ENCODERS": str(folder / "encoders"),
    }


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Jobs that run commands of the tests instead of the real training."""
    jobs = LocalJobs(tmp_path_factory.mktemp("runs"))
    yield jobs
    jobs.end()


@pytest.fixture(scope="module")
def shared(runs):
    """A stack whose jobs run commands of the tests."""
    with temporary_stack(**settings(runs.folder, runs.python)) as stack:
        runs.root = stack.folder.root / "training"
        yield stack.start()


@pytest.fixture
def trained(shared, runs):
    """The shared stack, on which no job runs before and after the test."""
    yield shared
    runs.end()
    for path in runs.root.glob("train_*"):
        wait_for_state(shared, path.name, "completed", "failed", "cancelled")


def wait_for_state(stack, name, *states):
    def run_in_state():
        run = stack.api.training(name)
        return run if run.state in states else None

    return wait_until(run_in_state, what=f"{name} {states}")


def train(stack, *options, expect=0):
    command = [COMMAND, "train", *options, "--state", str(stack.folder.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=560)
    assert done.returncode == expect, done.stdout + done.stderr
    return done


@pytest.mark.timeout(600)
def test_the_command_line_trains_a_real_model(tiny, new_stack):
    stack = new_stack(**settings(tiny)).start()
    done = train(
        stack,
        *("--model-name", "tiny", "--epochs", "2", "--batch-size", "16"),
        *("--learning-rate", "1e-3", "--follow", "--json"),
    )
    run = json.loads(done.stdout)
    assert (run["state"], run["failure_reason"]) == ("completed", None)
    assert run["epoch"] == 2
    assert run["step"] == run["steps"] == 30
    assert run["metrics"]["sentiment"] > 0
    model = stack.folder.root / "training" / run["training_id"] / "model"
    record = json.loads((model / "run.json").read_text())
    assert (record["train_rows"], record["parameters"]["learning_rate"]) == (240, 1e-3)
    assert (model / "model.safetensors").is_file()
    # the next estimate uses the duration of this run
    rate = stack.count("SELECT rows / extract(epoch FROM finished_at - started_at)"
                       " FROM training_runs")  # fmt: skip
    assert rate > 0
    encoder = f"distilbert-base-uncased@{'0' * 40}"
    refused = train(stack, "--model-name", encoder, "--follow", expect=1)
    assert "distilbert-base-uncased" in refused.stdout
    assert str(stack.folder.root) not in refused.stdout


def test_a_run_survives_a_restart_of_the_stack_and_can_then_be_cancelled(trained, runs):
    name = trained.api.train(**BODY).training_id
    runs.send(name, METRICS)
    before = wait_for_state(trained, name, "running")
    assert (before.epoch, before.step, before.metrics) == (1, 50, {"sentiment": 0.5})
    supervisor, job = runs.pids(name)
    processes = [p for p in trained.processes() if p.pid not in (supervisor, job)]
    trained.signal(signal.SIGKILL)
    trained.process.wait()
    wait_until(lambda: have_ended(processes), what="end of the killed stack")
    assert is_alive(job)
    trained.start()
    assert trained.api.training(name).state == "running"
    assert trained.api.train(**BODY).training_id == name
    output = train(trained, "--cancel", name, "--follow", "--json").stdout
    assert json.loads(output)["state"] == "cancelled"
    assert not is_alive(job)


def test_a_run_killed_while_the_stack_is_down_fails(trained, runs):
    name = trained.api.train(**BODY).training_id
    supervisor, job = runs.pids(name)
    trained.signal(signal.SIGTERM)
    trained.process.wait(60)
    runs.kill(supervisor)
    runs.kill(job)
    trained.start()
    run = wait_for_state(trained, name, "failed")
    assert "killed" in run.failure_reason
    again = trained.api.train(**BODY).training_id
    assert again != name
    runs.send(again, "exit 0")
    assert wait_for_state(trained, again, "completed").finished_at


def test_a_second_run_is_refused_and_the_error_names_the_first(trained, runs):
    name = trained.api.train(**BODY).training_id
    with pytest.raises(ConflictError) as refused:
        trained.api.train(**BODY | {"epochs": 3})
    assert name in refused.value.detail
    assert name in train(trained, "--epochs", "4", expect=2).stderr
    trained.api.cancel_training(name)
    wait_for_state(trained, name, "cancelled")


def test_the_service_alone_starts_and_reports_the_same_runs(trained, runs):
    variables = function_environment(
        trained.running.aws_url, trained.folder.cache, trained.folder.aws_keys()
    )
    environment = child_environment(os.environ | settings(runs.folder, runs.python), variables)
    port = free_port(0, purpose="test", option="-")
    command = [sys.executable, "-m", "uvicorn", "--factory", "lambdas.training.api:create_app"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--log-level", "warning"], env=environment
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=180) as client:

            def health():
                try:
                    return client.get("/health")
                except httpx.TransportError:
                    return None

            assert wait_until(health, what="start").json()["service"] == "training"
            name = client.post("/train", json=BODY).json()["training_id"]
            runs.send(name, "exit 0")
            assert wait_for_state(trained, name, "completed")
            assert client.get(f"/status/{name}").json()["state"] == "completed"
    finally:
        process.terminate()
        process.wait()


def test_without_a_training_environment_the_stack_is_healthy_and_explains_what_to_do(
    new_stack, tmp_path
):
    stack = new_stack(**settings(tmp_path, tmp_path / "none")).start()
    with pytest.raises(ServerError) as refused:
        stack.api.train()
    assert refused.value.status == 503
    assert "make train-env" in refused.value.detail
    assert str(tmp_path) not in refused.value.detail
    assert stack.api.health().services["training"].status == "ok"
    assert "make train-env" in train(stack, expect=1).stderr
