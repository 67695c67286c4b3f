"""Run as ``python -m sagemaker_jobs.train.agent [options of torchrun] -m MODULE [arguments]``.

torchrun, which also writes why a training failed if its processes could not: one that is killed
writes nothing, and the others may be ended before they notice that it is gone.
"""

import sys
from collections.abc import Iterable, Sequence
from signal import SIGTERM, Signals

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.run import main as torchrun

from sagemaker_jobs.train.failure import report_death, report_failure

GRACE_SECONDS = 30
"""How long torchrun lets the other processes end after one failed; then it kills them."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the processes; returns 0, or 128 + the signal's number if a signal stopped the run.

    A failure is raised, after its reason was written to ``$SM_OUTPUT_DIR/failure``.
    """
    try:
        torchrun(list(sys.argv[1:] if argv is None else argv))
    except ChildFailedError as error:
        if death := _first_death(error.failures.items()):
            report_death(death)
        else:
            rank, failure = error.get_first_failure()
            report_failure(f"{_process(rank, failure)} {_end(failure)}: see the log")
        raise
    except SignalException as stopped:
        return 128 + int(stopped.sigval)
    except Exception as error:
        report_failure(f"torchrun failed: {type(error).__name__}: {error}")
        raise
    return 0


def _first_death(failures: Iterable[tuple[int, ProcessFailure]]) -> str:
    """Say which process a signal killed that torchrun did not send; "" if there is none."""
    ordered = sorted(failures, key=lambda item: item[1].timestamp)
    limit = ordered[0][1].timestamp + GRACE_SECONDS  # later ones were killed by torchrun
    for rank, failure in ordered:
        if failure.exitcode < 0 and failure.exitcode != -SIGTERM and failure.timestamp < limit:
            return f"{_process(rank, failure)} {_end(failure)}"
    return ""


def _process(rank: int, failure: ProcessFailure) -> str:
    return f"process {rank} (pid {failure.pid})"


def _end(failure: ProcessFailure) -> str:
    status: int = failure.exitcode
    if status >= 0:
        return f"ended with status {status}"
    name = Signals(-status).name if -status in set(Signals) else f"signal {-status}"
    return f"was killed by {name}"


if __name__ == "__main__":
    sys.exit(main())
