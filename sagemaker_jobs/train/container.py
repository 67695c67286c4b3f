"""Entry point of a SageMaker training container: one training process per GPU of each host.

Script mode runs this file from the staged source folder, with hyperparameters as arguments; a
custom container may use it as its entry point, and then hyperparameters and hosts are read from the
files under /opt/ml. It uses only the standard library, so that it can report any failure.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path("/opt/ml")
PORT = 29400
_GPU_INSTANCE = re.compile(r"ml\.[gp]\d")
"""Families g and p of SageMaker's instances have NVIDIA GPUs."""
_SOURCE = Path(__file__).resolve().parents[2]


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run the training; returns its exit status and writes a failure's reason to a file."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    environment = {**_folders(root), **_resources(root), **os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(_SOURCE), *filter(None, [environment.get("PYTHONPATH")])]
    )
    if arguments in ([], ["train"]):  # "train": SageMaker's argument to a custom container
        arguments = hyperparameters(root)
    command = [*launcher(environment), *arguments]
    (Path(environment["SM_OUTPUT_DIR"]) / "failure").unlink(missing_ok=True)
    if reason := missing_gpus(root, environment):
        _report(environment, reason)
        return 1
    process = subprocess.Popen(command, env=environment)  # noqa: S603 - the job's own arguments
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    status = process.wait()
    if status not in (0, -signal.SIGTERM, 128 + signal.SIGTERM):  # a stopped job has not failed
        cause = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        _report(
            environment,
            f"the training {cause}, and none of its processes wrote a reason: see the log",
        )
    return status if status >= 0 else 128 - status


def launcher(environment: Mapping[str, str]) -> list[str]:
    """The command that runs the training module, by torchrun if there are several processes.

    Args:
        environment: SM_HOSTS and SM_CURRENT_HOST name all hosts and this one, SM_NUM_GPUS is the
            number of processes per host (one without a GPU).

    Raises:
        ValueError: this host is not among the hosts.
    """
    module = ["-m", "sagemaker_jobs.train"]
    hosts: list[str] = sorted(json.loads(environment.get("SM_HOSTS", '["localhost"]')))
    current = environment.get("SM_CURRENT_HOST", hosts[0])
    if current not in hosts:
        raise ValueError(f"SM_CURRENT_HOST {current} is not one of SM_HOSTS {', '.join(hosts)}")
    processes = max(1, int(environment.get("SM_NUM_GPUS") or 0))
    if len(hosts) == 1 and processes == 1:
        return [sys.executable, *module]
    if len(hosts) == 1:
        rendezvous = ["--standalone"]
    else:
        rendezvous = [
            f"--nnodes={len(hosts)}",
            f"--node-rank={hosts.index(current)}",
            f"--master-addr={hosts[0]}",
            f"--master-port={PORT}",
        ]
    agent = ["-m", "sagemaker_jobs.train.agent", *rendezvous, f"--nproc-per-node={processes}"]
    return [sys.executable, *agent, *module]


def missing_gpus(root: Path, environment: Mapping[str, str]) -> str:
    """Why a job on a GPU instance must not start: it has none, and would train on the CPU."""
    config = _read_json(root / "input/config/resourceconfig.json")
    instance_type = str(config.get("current_instance_type", ""))
    if not _GPU_INSTANCE.match(instance_type) or int(environment.get("SM_NUM_GPUS") or 0):
        return ""
    return f"{instance_type} has GPUs, but this container sees none: check the driver"


def hyperparameters(root: Path) -> list[str]:
    """Arguments from SageMaker's file of hyperparameters."""
    values = _read_json(root / "input/config/hyperparameters.json")
    # hyperparameters of the SageMaker toolkit itself are dropped
    own = {name: value for name, value in values.items() if not name.startswith("sagemaker_")}
    return [part for name, value in own.items() for part in (f"--{name}", _unquote(str(value)))]


def _unquote(value: str) -> str:
    """Remove the JSON quotes that script mode adds to texts."""
    try:
        decoded = json.loads(value)
    except json.JSONDecodeError:
        return value
    return decoded if isinstance(decoded, str) else value


def _folders(root: Path) -> dict[str, str]:
    """Variables of the folders that SageMaker provides; missing folders are left out."""
    folders = {"SM_MODEL_DIR": root / "model", "SM_OUTPUT_DIR": root / "output"}
    if (root / "checkpoints").is_dir():
        folders["SM_CHECKPOINT_DIR"] = root / "checkpoints"
    channels = root / "input/data"
    if channels.is_dir():
        for channel in channels.iterdir():
            folders[f"SM_CHANNEL_{channel.name.upper()}"] = channel
    return {name: str(path) for name, path in folders.items()}


def _resources(root: Path) -> dict[str, str]:
    """Variables of the job's hosts and this host's GPUs."""
    config = _read_json(root / "input/config/resourceconfig.json")
    gpus = len(list(Path("/proc/driver/nvidia/gpus").glob("*")))
    resources = {"SM_NUM_GPUS": str(gpus)}
    if "hosts" in config:
        resources |= {
            "SM_HOSTS": json.dumps(config["hosts"]),
            "SM_CURRENT_HOST": config["current_host"],
        }
    if "network_interface_name" in config:
        name = config["network_interface_name"]
        resources |= {"NCCL_SOCKET_IFNAME": name, "GLOO_SOCKET_IFNAME": name}
    return resources


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _report(environment: Mapping[str, str], reason: str) -> None:
    """Write the reason if no training process could: killed, or failed before the start."""
    if (Path(environment["SM_OUTPUT_DIR"]) / "failure").exists():
        return
    sys.path.insert(0, str(_SOURCE))
    os.environ["SM_OUTPUT_DIR"] = environment["SM_OUTPUT_DIR"]
    from sagemaker_jobs.train.failure import report_failure

    print(reason, file=sys.stderr, flush=True)  # noqa: T201 - the log of the job
    report_failure(reason)


if __name__ == "__main__":
    sys.exit(main())
