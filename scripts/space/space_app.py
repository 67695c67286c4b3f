"""Entry of the Space: Hugging Face runs this file, from the folder that holds everything else."""

import os
import runpy
from pathlib import Path

if __name__ == "__main__":
    # the processes that the page starts find our packages where this one does
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parent)
    runpy.run_module("frontend_space", run_name="__main__", alter_sys=True)
