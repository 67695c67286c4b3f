"""Freezing a PostgreSQL server, as a stopped machine or a hanging disk does."""

import signal
from contextlib import contextmanager, suppress

import psutil


@contextmanager
def frozen(pid):
    """Stop a server and its sessions with SIGSTOP during the block."""
    server = psutil.Process(pid)
    server.send_signal(signal.SIGSTOP)
    processes = [server, *server.children(recursive=True)]
    for process in processes:
        _send(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            _send(process, signal.SIGCONT)


def _send(process, number):
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)
