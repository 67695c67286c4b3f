"""Freed memory stays in the process."""

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
for _ in range(20):  # until the heap stops growing, at a few times 256 MB
    fill()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    fill()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(keep):
    script = SCRIPT.format(keep=keep)
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return int(result.stdout)


def test_the_memory_of_a_large_tensor_is_reused():
    assert page_faults(True) < 1000 < page_faults(False)
