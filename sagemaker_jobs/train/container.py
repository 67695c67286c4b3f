"""Entry point of a SageMaker training container: one training process for each GPU of each host.

Script mode runs this file from the staged source folder, with hyperparameters as arguments; a
container of one's own may have it as its entry point, and then hyperparameters and hosts are read
from the files under /opt/ml. It needs the standard library alone, so it can report whatever fails.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path("/opt/ml")
PORT = 29400
_SOURCE = Path(__file__).resolve().parents[2]


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Start the training and wait for it; its exit status, and a reason in the failure file."""
    given = list(sys.argv[1:] if argv is None else argv)
    environment = {**_folders(root), **_resources(root), **os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(_SOURCE), *filter(None, [environment.get("PYTHONPATH")])]
    )
    # a container's first argument is "train" where SageMaker starts it by itself
    arguments = hyperparameters(root) if given in ([], ["train"]) else given
    command = [*launcher(environment), *arguments]
    (Path(environment["SM_OUTPUT_DIR"]) / "failure").unlink(missing_ok=True)
    process = subprocess.Popen(command, env=environment)  # noqa: S603 - the job's own arguments
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    status = process.wait()
    if status not in (0, -signal.SIGTERM, 128 + signal.SIGTERM):  # to be stopped is no failure
        _report(environment, status)
    return status if status >= 0 else 128 - status


def launcher(environment: Mapping[str, str]) -> list[str]:
    """The command that runs the training module: by torchrun where there are several processes.

    Args:
        environment: SM_HOSTS and SM_CURRENT_HOST name the hosts and this one, SM_NUM_GPUS the
            processes of each host (one where there is no GPU).

    Raises:
        ValueError: this host is not among the hosts.
    """
    module = ["-m", "sagemaker_jobs.train"]
    hosts: list[str] = sorted(json.loads(environment.get("SM_HOSTS", '["localhost"]')))
    current = environment.get("SM_CURRENT_HOST", hosts[0])
    if current not in hosts:
        msg = f"SM_CURRENT_HOST {current} is not one of SM_HOSTS {', '.join(hosts)}"
        raise ValueError(msg)
    processes = max(1, int(environment.get("SM_NUM_GPUS") or 0))
    if len(hosts) == 1 and processes == 1:
        return [sys.executable, *module]
    if len(hosts) == 1:
        place = ["--standalone"]
    else:
        place = [
            f"--nnodes={len(hosts)}",
            f"--node-rank={hosts.index(current)}",
            f"--master-addr={hosts[0]}",
            f"--master-port={PORT}",
        ]
    torchrun = ["-m", "torch.distributed.run", *place, f"--nproc-per-node={processes}"]
    return [sys.executable, *torchrun, *module]


def hyperparameters(root: Path) -> list[str]:
    """Arguments from the file in which SageMaker passes hyperparameters, all of them as text."""
    found = _json(root / "input/config/hyperparameters.json")
    # those of the SageMaker toolkit are no part of the training
    own = {name: value for name, value in found.items() if not name.startswith("sagemaker_")}
    return [part for name, value in own.items() for part in (f"--{name}", _plain(str(value)))]


def _plain(value: str) -> str:
    """A text without the quotes that script mode has around it, and its toolkit takes off."""
    try:
        said = json.loads(value)
    except json.JSONDecodeError:
        return value
    return said if isinstance(said, str) else value


def _folders(root: Path) -> dict[str, str]:
    """Where SageMaker puts data and takes models; what is not there is not named."""
    found = {"SM_MODEL_DIR": root / "model", "SM_OUTPUT_DIR": root / "output"}
    if (root / "checkpoints").is_dir():
        found["SM_CHECKPOINT_DIR"] = root / "checkpoints"
    channels = root / "input/data"
    if channels.is_dir():
        for channel in channels.iterdir():
            found[f"SM_CHANNEL_{channel.name.upper()}"] = channel
    return {name: str(path) for name, path in found.items()}


def _resources(root: Path) -> dict[str, str]:
    """Hosts of the job, and GPUs of this one."""
    found = _json(root / "input/config/resourceconfig.json")
    gpus = len(list(Path("/proc/driver/nvidia/gpus").glob("*")))
    resources = {"SM_NUM_GPUS": str(gpus)}
    if "hosts" in found:
        resources |= {
            "SM_HOSTS": json.dumps(found["hosts"]),
            "SM_CURRENT_HOST": found["current_host"],
        }
    if "network_interface_name" in found:
        name = found["network_interface_name"]
        resources |= {"NCCL_SOCKET_IFNAME": name, "GLOO_SOCKET_IFNAME": name}
    return resources


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _report(environment: Mapping[str, str], status: int) -> None:
    """Say why, where no training process could: killed, or ended before it began."""
    if (Path(environment["SM_OUTPUT_DIR"]) / "failure").exists():
        return
    sys.path.insert(0, str(_SOURCE))
    os.environ["SM_OUTPUT_DIR"] = environment["SM_OUTPUT_DIR"]
    from sagemaker_jobs.train.failure import report

    cause = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    reason = f"the training {cause}, and none of its processes left a reason: see the log"
    print(reason, file=sys.stderr, flush=True)  # noqa: T201 - the log of the job
    report(reason)


if __name__ == "__main__":
    sys.exit(main())
