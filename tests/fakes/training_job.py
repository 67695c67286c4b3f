"""A process that replaces ``sagemaker_jobs.train`` and runs the commands in a file ``do``.

Commands are lines of $SM_OUTPUT_DIR/do, run in order:
``metrics JSON`` appends to the metrics, ``say TEXT`` to the log, ``failure TEXT`` to the failure
file, ``raise TEXT`` ends with that exception, ``exit N`` with that status, ``stubborn`` ignores
SIGTERM, ``worker`` starts a process that does not end, ``version NAME`` exports a manifest.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

OUTPUT, MODEL = Path(os.environ["SM_OUTPUT_DIR"]), Path(os.environ["SM_MODEL_DIR"])


def run_command(line):
    word, _, rest = line.partition(" ")
    if word == "metrics":
        (MODEL / "logs").mkdir(exist_ok=True)
        with (MODEL / "logs" / "train_metrics.jsonl").open("a") as out:
            out.write(rest + "\n")
    elif word == "say":
        sys.stdout.write(f"{rest}\n")
        sys.stdout.flush()
    elif word == "failure":
        (OUTPUT / "failure").write_text(rest)
    elif word == "raise":
        raise RuntimeError(rest)
    elif word == "exit":
        sys.exit(int(rest))
    elif word == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    elif word == "worker":
        worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        (OUTPUT / "worker").write_text(str(worker.pid))
    elif word == "version":
        (MODEL / "manifest.json").write_text(json.dumps({"version": rest}))
    (OUTPUT / "done").write_text(line)


def main():
    started = {"arguments": sys.argv[1:], "environment": dict(os.environ)}
    (OUTPUT / "started.json.part").write_text(json.dumps(started))
    (OUTPUT / "started.json.part").rename(OUTPUT / "started.json")
    done = 0
    while True:
        commands = OUTPUT / "do"
        lines = commands.read_text().splitlines() if commands.exists() else []
        for line in lines[done:]:
            done += 1
            run_command(line)
        time.sleep(0.02)


if __name__ == "__main__":
    main()
