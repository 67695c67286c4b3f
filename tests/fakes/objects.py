"""An ObjectStore in memory."""

import io
import json
import threading
from base64 import b64encode
from contextlib import contextmanager
from hashlib import md5

from shared.errors import ConflictError, NotFoundError
from shared.storage.objects import ObjectInfo, SignedUpload


class MemoryStore:
    """A bucket in a dictionary; its ETags are the MD5 of the bytes, as in S3."""

    def __init__(self, bucket="memory"):
        self.bucket = bucket
        self._objects = {}
        self._lock = threading.Lock()

    @contextmanager
    def open(self, key, *, etag=None):
        body, info = self.get(key)
        if etag and etag.strip('"') != info.etag:
            raise NotFoundError(f"object {key} now has another version")
        with io.BytesIO(body) as stream:
            yield stream

    def get(self, key):
        try:
            body = self._objects[key]
        except KeyError as error:
            raise NotFoundError(f"object {key} does not exist") from error
        return body, ObjectInfo(key, md5(body).hexdigest(), len(body))

    def head(self, key):
        return self.get(key)[1]

    def put(self, key, body, *, if_match=None, if_absent=False):
        with self._lock:
            if if_absent and key in self._objects:
                raise ConflictError(f"object {key} was changed by another writer")
            if if_match and self.head(key).etag != if_match:
                raise ConflictError(f"object {key} was changed by another writer")
            self._objects[key] = bytes(body)
            return self.head(key)

    def upload(self, key, path):
        return self.put(key, path.read_bytes())

    def download(self, key, path):
        path.write_bytes(self.get(key)[0])

    def list(self, prefix, *, after=""):
        for key in sorted(self._objects):
            if key.startswith(prefix) and key > after:
                yield self.head(key)

    def delete(self, key):
        self._objects.pop(key, None)

    def copy(self, key, target):
        self.put(target, self.get(key)[0])

    def sign_upload(self, key, *, max_bytes, seconds):
        """Build a form with an unsigned policy."""
        policy = {
            "conditions": [["content-length-range", 1, max_bytes], {"key": key}],
            "seconds": seconds,
        }
        body = b64encode(json.dumps(policy).encode()).decode()
        return SignedUpload(f"memory://{self.bucket}/", {"key": key, "policy": body})
