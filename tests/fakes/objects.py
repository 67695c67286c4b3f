"""An ObjectStore in memory."""

import io
import json
import threading
from base64 import b64encode
from contextlib import contextmanager
from hashlib import md5
from itertools import count

from shared.errors import ConflictError, NotFoundError
from shared.storage.objects import ObjectInfo, ObjectVersion, SignedUpload


class MemoryStore:
    """A bucket in a dictionary; its ETags are the MD5 of the bytes, as in S3.

    A versioned one keeps what is overwritten or deleted.
    """

    def __init__(self, bucket="memory", *, versioned=False):
        self.bucket = bucket
        self._objects = {}
        self._versioned = versioned
        self._earlier = []
        self._numbers = count(1)
        self._ids = {}
        self._lock = threading.Lock()

    def _keep(self, key):
        if self._versioned and key in self._objects:
            self._earlier.append((key, self._ids[key], self._objects[key]))

    @contextmanager
    def open(self, key, *, etag=None, start=0, end=None):
        body, info = self.get(key)
        if etag and etag.strip('"') != info.etag:
            raise NotFoundError(f"object {key} now has another version")
        with io.BytesIO(body[start:end]) as stream:
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
            self._keep(key)
            self._objects[key] = bytes(body)
            self._ids[key] = str(next(self._numbers)) if self._versioned else "null"
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
        self._keep(key)
        self._objects.pop(key, None)

    def versions(self, key):
        bodies = [(name, body) for each, name, body in self._earlier if each == key]
        if key in self._objects:
            bodies.append((self._ids[key], self._objects[key]))
        return [ObjectVersion(name, md5(body).hexdigest()) for name, body in reversed(bodies)]

    def delete_version(self, key, version_id):
        is_current = key in self._objects and self._ids[key] == version_id
        self._earlier = [each for each in self._earlier if each[:2] != (key, version_id)]
        if is_current:
            del self._objects[key]
            if before := [each for each in self._earlier if each[0] == key]:
                self._earlier.remove(before[-1])
                _, self._ids[key], self._objects[key] = before[-1]

    def bodies(self):
        """All bytes that the bucket keeps, also of earlier versions."""
        return [*self._objects.values(), *(body for _, _, body in self._earlier)]

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
