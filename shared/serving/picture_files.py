"""Pictures of reviews for answers, as they were encoded anew when they were fetched."""

import logging
from base64 import b64encode
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

from PIL.JpegImagePlugin import JpegImageFile

from shared.errors import ReviewlensError
from shared.schemas.picture import PicturePreview
from shared.storage import layout
from shared.storage.objects import ObjectStore

log = logging.getLogger(__name__)
_PARALLEL = 8
MAX_FILES = 50
"""Pictures of one answer; results beyond it have none."""


class PictureFiles:
    """Reads the files that an index names."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def read(self, files: Iterable[str | None]) -> dict[str, PicturePreview]:
        """Pictures by their names in an index; one that cannot be read is left out."""
        names = list(dict.fromkeys(filter(None, files)))[:MAX_FILES]
        if not names:
            return {}
        with ThreadPoolExecutor(_PARALLEL) as pool:
            found = zip(names, pool.map(self._read, names), strict=True)
            return {name: picture for name, picture in found if picture is not None}

    def _read(self, name: str) -> PicturePreview | None:
        ingest_id, _, sha256 = name.partition("/")
        try:
            body, _info = self._store.get(layout.picture_file(ingest_id, sha256))
            with JpegImageFile(BytesIO(body)) as image:
                width, height = image.size
        except (ReviewlensError, OSError, SyntaxError) as error:
            log.warning("a picture of a review cannot be shown: %s", type(error).__name__)
            return None
        return PicturePreview(data=b64encode(body).decode("ascii"), width=width, height=height)
