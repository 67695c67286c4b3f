"""Where a client sends a file: to the bucket of its API and nowhere else."""

import pytest

from reviewlens import UploadError
from reviewlens.core import Core
from reviewlens.retries import Retry
from reviewlens.uploads import check_target
from shared.schemas.collection import UploadTarget

KEY = "uploads/web/1/a.csv"


def check(api, url):
    target = UploadTarget(
        url=url, fields={"key": KEY}, key=KEY, expires_at="2026-11-29T08:00:00Z", max_bytes=100
    )
    check_target(Core(api, None, None, None, 1.0, Retry(), 1000), target, 28)


@pytest.mark.parametrize(
    ("api", "url"),
    [
        ("http://127.0.0.1:9", "https://bucket.s3.eu-west-1.amazonaws.com/"),
        ("http://127.0.0.1:9", "http://10.0.0.1/bucket"),
        ("https://api.example", "http://127.0.0.1:9/bucket"),
        ("https://api.example", "http://bucket.s3.eu-west-1.amazonaws.com/"),
        ("https://api.example", "https://evil.example/s3.eu-west-1.amazonaws.com"),
        ("https://api.example", "https://s3.amazonaws.com.evil.example/"),
        ("https://api.example", "https://u:p@bucket.s3.eu-west-1.amazonaws.com/"),
        ("https://api.example", "https://x.execute-api.eu-west-1.amazonaws.com/"),
        ("https://api.example", "file:///etc/passwd"),
        ("https://api.example", "https://api.example:444/bucket"),
        ("https://api.example", "https://api.example:99999/bucket"),
        ("https://api.example", "http://api.example/bucket"),
        ("https://api.example", "https://u:p@api.example/bucket"),
        ("http://proxy:8080", "http://127.0.0.1:8080/bucket"),
    ],
)
def test_a_file_goes_to_no_other_place_than_the_bucket_of_the_api(api, url):
    with pytest.raises(UploadError, match="not its own bucket"):
        check(api, url)


@pytest.mark.parametrize(
    "url",
    [
        "https://bucket.s3.amazonaws.com/",
        "https://my.bucket.s3.eu-west-1.amazonaws.com/",
        "https://s3.eu-west-1.amazonaws.com/bucket",
        "https://bucket.s3.cn-north-1.amazonaws.com.cn/",
    ],
)
def test_buckets_of_s3_are_accepted_from_an_api_on_aws(url):
    check("https://api.example", url)


def test_a_bucket_on_loopback_is_accepted_from_an_api_on_loopback():
    check("http://localhost:8080", "http://127.0.0.1:4566/reviewlens-raw")


@pytest.mark.parametrize(
    ("api", "url"),
    [
        ("http://proxy:8080", "http://proxy:8080/reviewlens-raw"),
        ("https://api.example/v1", "https://api.example:443/reviewlens-raw"),
    ],
)
def test_an_api_may_take_uploads_at_its_own_origin(api, url):
    check(api, url)
