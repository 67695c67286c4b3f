"""Entry point of the Space: Hugging Face runs this file in the folder of the Space."""

import os
import runpy
from pathlib import Path

if __name__ == "__main__":
    # the child processes of the page must find our packages, too
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parent)
    runpy.run_module("frontend_space", run_name="__main__", alter_sys=True)
