"""``python -m lambdas.image_fetch``: fetch or decode one picture as the function does."""

import argparse
import base64
import json
import sys
from pathlib import Path

from lambdas.image_fetch.handler import handler

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m lambdas.image_fetch")
    parser.add_argument("picture", help="the address of a picture, or a file")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the kept picture (JPEG)")
    options = parser.parse_args()
    path = Path(options.picture)
    if "://" not in options.picture and path.is_file():
        event = {"data": base64.urlsafe_b64encode(path.read_bytes()).decode()}
    else:
        event = {"url": options.picture}
    reply = handler(event, None)
    picture = reply["picture"]
    if picture is not None:
        content = base64.urlsafe_b64decode(picture.pop("data"))
        if options.out is not None:
            options.out.write_bytes(content)
    sys.stdout.write(json.dumps(picture or reply["problem"]) + "\n")
    sys.exit(0 if picture else 1)
