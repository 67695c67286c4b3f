"""Entry point of the Space: Hugging Face runs this file in the folder of the Space."""

import os
import runpy
from pathlib import Path

SETTINGS = {
    "REVIEWLENS_PAGE_PUBLIC": "true",
    "REVIEWLENS_ALLOWED_HOSTS": "*.hf.space",
    "REVIEWLENS_PAGE_FRAMED_BY": "https://huggingface.co",
}
"""A Space is public and is shown in a frame; a variable of the Space can change each of these."""

if __name__ == "__main__":
    # the child processes of the page must find our packages, too
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parent)
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    runpy.run_module("frontend_space", run_name="__main__", alter_sys=True)
