"""A wrong checksum is read again, then it is a corrupt object; a service that is down is not."""

import io

import pytest
from botocore.exceptions import ClientError, FlexibleChecksumError, ReadTimeoutError

from shared.errors import CorruptObjectError, NotFoundError, UnavailableError
from shared.storage.objects import S3Store

WRONG = FlexibleChecksumError(error_msg="Expected checksum AAAA did not match BBBB")
SLOW = ReadTimeoutError(endpoint_url="https://s3")


def refused(code):
    return ClientError({"Error": {"Code": code, "Message": ""}}, "GetObject")


class Body(io.BytesIO):
    """Raises an error instead of returning its end."""

    def __init__(self, error):
        super().__init__(b"body")
        self._error = error

    def read(self, size=-1):
        data = super().read(size)
        if self._error is not None and (size == -1 or not data):
            raise self._error
        return data


class Client:
    """An S3 client whose reads meet these errors, one after the other (None: no error)."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.reads = 0

    def get_object(self, **_):
        self.reads += 1
        error = self.errors.pop(0) if len(self.errors) > 1 else self.errors[0]
        if isinstance(error, ClientError):
            raise error
        return {"Body": Body(error), "ETag": '"e"'}

    def download_file(self, _bucket, _key, path):
        body = self.get_object()["Body"].read()
        with open(path, "wb") as file:  # noqa: PTH123 - the client gets a string
            file.write(body)


def test_a_wrong_checksum_of_the_network_is_read_again(tmp_path):
    assert S3Store(Client(WRONG, WRONG, None), "b").get("k")[0] == b"body"
    S3Store(Client(WRONG, None), "b").download("k", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"body"


def test_a_wrong_checksum_that_stays_is_a_corrupt_object(tmp_path):
    client = Client(WRONG)
    with pytest.raises(CorruptObjectError, match="object k is corrupt"):
        S3Store(client, "b").get("k")
    assert client.reads == 3
    with pytest.raises(CorruptObjectError):
        S3Store(client, "b").download("k", tmp_path / "file")


def test_a_stream_ends_with_the_comparison_of_the_checksum():
    def read_to_the_end():
        with S3Store(Client(WRONG), "b").open("k") as stream:
            while stream.read(2):
                pass

    with pytest.raises(CorruptObjectError):
        read_to_the_end()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refused("AccessDenied"), UnavailableError),
        (refused("InternalError"), UnavailableError),
        (refused("SlowDown"), UnavailableError),
        (SLOW, UnavailableError),
        (refused("NoSuchKey"), NotFoundError),
        (refused("InvalidRange"), CorruptObjectError),
    ],
    ids=["403", "500", "503", "timeout", "404", "416"],
)
def test_other_errors_keep_their_kind(error, kind):
    with pytest.raises(kind) as raised:
        S3Store(Client(error), "b").get("k")
    assert type(raised.value) is kind
