"""Freed memory stays with the process."""

import subprocess
import sys

SCRIPT = """
import resource
from sagemaker_jobs.train.memory import keep_freed_memory
if {keep}:
    assert keep_freed_memory()
import torch
def fill():
    torch.ones(16 << 20).sum()
for _ in range(20):  # until the heap is as large as it gets, a few times 256 MB
    fill()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    fill()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(keep):
    script = SCRIPT.format(keep=keep)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_a_large_tensor_is_not_asked_for_again_and_again():
    assert faults(True) < 1000 < faults(False)
