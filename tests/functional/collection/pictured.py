"""Dumps with pictures, and what reads and embeds them in the tests of collection."""

import json

import numpy as np

from lambdas.collection.pictures import record_pictures
from shared.errors import PictureError
from shared.pictures.decode import decode
from shared.schemas.messages import FetchPictures, PicturesFetched
from tests.pictures import drawn, saved

HOSTS = "a.example"
PICTURE = decode(saved(drawn(), "PNG"))
OTHER = decode(saved(drawn(20, 60), "PNG"))


class Reader:
    """Reads /other as another picture, /bad not at all, and everything else as one picture."""

    def __init__(self):
        self.urls = []

    def read(self, request):
        self.urls.append(request.url)
        assert request.hosts == HOSTS
        if request.url.endswith("/bad"):
            raise PictureError("fetch_failed", "its server answered with status 404")
        if request.url.endswith("/down"):
            raise PictureError("picture_unavailable", "pictures cannot be read now")
        return OTHER if request.url.endswith("/other") else PICTURE


class Encoder:
    def __init__(self):
        self.calls = 0

    def encode(self, picture):
        self.calls += 1
        return np.full(4, 0.25 if picture.sha256 == OTHER.sha256 else 0.5, np.float32)


def dump_of(*pictures):
    rows = (
        {"reviewText": f"Review {n}.", "overall": 5.0, "asin": "B1", "reviewerID": f"U{n}",
         "vote": "1", "image": list(urls)}
        for n, urls in enumerate(pictures)
    )  # fmt: skip
    return "\n".join(json.dumps(row) for row in rows).encode()


def url(name):
    return f"https://a.example/{name}"


def taken(world):
    return [FetchPictures.model_validate_json(each) for each in world.picture_queue.take()]


def work(worker, world, messages):
    """Fetch batches, and record what the worker reports."""
    for message in messages:
        worker.fetch(message)
    for body in worker.reports.take():
        record_pictures(world, PicturesFetched.model_validate_json(body))


def collected(pictured, *pictures):
    """Ingest id of a dump, and the messages about its pictures."""
    ingest_id = pictured.collect("uploads/a.jsonl", dump_of(*pictures)).ingest_id
    return ingest_id, taken(pictured.dependencies)
