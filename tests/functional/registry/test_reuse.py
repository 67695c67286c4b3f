"""An adapted model judges what is stored without reading it again, and says what it would say."""

import json

import numpy as np
import pytest

from sagemaker_jobs.activate.activation import activate
from sagemaker_jobs.adapt.config import AdaptConfig
from sagemaker_jobs.adapt.job import run
from sagemaker_jobs.score.reuse import open_reuse
from shared.index.build import build_index
from shared.runtime.encoder import open_folder
from shared.storage import artefacts, layout, registry
from tests.fakes.objects import MemoryStore
from tests.fakes.queues import MemoryQueue
from tests.functional.registry.conftest import House
from tests.sauces import HURTS, SOOTHES, sauces, tiny_model

BASE = "tiny-1-0a1b2c3d"


class Counting:
    """An encoder that counts the texts that it reads."""

    def __init__(self, folder):
        self._encoder = open_folder(folder)
        self.version = self._encoder.version
        self.read = 0

    def encode(self, texts):
        self.read += len(texts)
        return self._encoder.encode(texts)


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """The tiny model, one adapted to sauces, and one that was adapted from that."""
    root = tmp_path_factory.mktemp("models")
    made = [tiny_model(root / "0")]
    for number, rows in ((1, 80), (2, 60)):
        texts, stars = sauces(rows, seed=number)
        turned = [6 - each for each in stars] if number == 2 else stars
        config = AdaptConfig(model_dir=made[-1], output_dir=root / str(number), seed=number)
        assert run(config, texts, turned)["version"] is not None
        made.append(root / str(number))
    return made


@pytest.fixture
def sauce_house(database, tmp_path, folders):
    """The tiny model is current and has read eight reviews; the adapted ones are candidates."""
    encoders = [Counting(folder) for folder in folders]
    made = House(
        database=database,
        clean=MemoryStore("clean"),
        artefacts=MemoryStore("artefacts"),
        processing_queue=MemoryQueue(),
        cache_dir=tmp_path,
        refresh_seconds=0.0,
        encoders={encoder.version: encoder for encoder in encoders},
    )
    for folder in folders:
        registry.register(made.artefacts, folder)
    artefacts.move_pointer(made.artefacts, "model", BASE, if_match=None)
    ingest_id = made.ledger.receive("raw", "sauces", "etag")
    made.ledger.start(ingest_id)
    words = (" ".join(HURTS[:3]), " ".join(SOOTHES[:3]))
    messages = [made.store(ingest_id, "sauces", part, 4, words[part]) for part in range(2)]
    made.ledger.finish(ingest_id)
    made.process(messages)
    build_index(made.artefacts)
    made.processing_queue.take()
    return made


def adapted(house, number=1):
    return list(house.encoders.values())[number]


def said(rows, version):
    """Probabilities of each review by a model, in the order of the reviews."""
    query = "SELECT negative, neutral, positive FROM analyses JOIN reviews USING (review_id)"
    return np.array(rows(f"{query} WHERE model_version = %s ORDER BY review_id", version))


def would_say(rows, encoder):
    texts = [text for (text,) in rows("SELECT text FROM reviews ORDER BY review_id")]
    return encoder._encoder.encode(texts).probabilities


@pytest.mark.parametrize("number", [1, 2], ids=["adapted once", "adapted from an adapted one"])
def test_no_text_is_read_again_and_the_answers_are_those_of_reading_it(sauce_house, rows, number):
    model = adapted(sauce_house, number)
    done = activate(sauce_house, model.version, force=True)
    assert (done.reviews_scored, done.reviews_reused, model.read) == (8, 8, 0)
    assert sauce_house.current() == (model.version, model.version, 8)
    answers = said(rows, model.version)
    assert answers == pytest.approx(would_say(rows, model), abs=1e-4)
    assert np.abs(answers - said(rows, BASE)).max() > 0.01, "it says otherwise than the first model"
    for info in list(sauce_house.artefacts.list(layout.embeddings_prefix(BASE))):
        if info.key.endswith(".npy"):
            other = info.key.replace(f"{BASE}/", f"{model.version}/")
            assert sauce_house.artefacts.get(other)[0] == sauce_house.artefacts.get(info.key)[0]


@pytest.mark.parametrize("fault", ["no pair", "not judged", "other word", "other text"])
def test_where_the_first_model_has_not_read_the_shard_as_it_is_it_is_read(
    sauce_house, rows, database, fault
):
    model, house = adapted(sauce_house), sauce_house
    ingest_id = house.ledger.recent(1)[0].ingest_id
    with database.transaction() as connection:
        if fault == "no pair":
            house.artefacts.delete(layout.embedding_shard(BASE, ingest_id, 1))
        elif fault == "not judged":
            connection.execute(
                "UPDATE analyses SET model_version = 'other' WHERE review_id = 'sauces:1:2'"
            )
        elif fault == "other word":  # the review stands in another dump as well, with another text
            connection.execute(
                "UPDATE analyses SET negative = 0.2, neutral = 0.3, positive = 0.5"
                " WHERE review_id = 'sauces:1:2'"
            )
    if fault == "other text":
        pair = [f(BASE, ingest_id, 1) for f in (layout.embedding_shard, layout.analysis_shard)]
        before = {key: house.artefacts.get(key)[0] for key in pair}
        house.ledger.forget(ingest_id, 1, 5)
        house.process([house.store(ingest_id, "sauces", 1, 4, "savage fierce bottle")])
        for key, body in before.items():
            house.artefacts.put(key, body)
    done = activate(house, model.version, force=True)
    assert (done.reviews_scored, done.reviews_reused, model.read) == (8, 4, 4)
    assert said(rows, model.version) == pytest.approx(would_say(rows, model), abs=1e-4)


def test_a_model_with_embeddings_of_its_own_takes_over_nothing(sauce_house, tmp_path):
    assert open_reuse(sauce_house.artefacts, BASE, tmp_path) is None
    version = adapted(sauce_house).version
    key = f"{layout.version_prefix('model', version)}manifest.json"
    manifest = json.loads(sauce_house.artefacts.get(key)[0])
    assert open_reuse(sauce_house.artefacts, version, tmp_path).version == BASE
    del manifest["parameters"]["embeddings_of"]
    sauce_house.artefacts.put(key, json.dumps(manifest).encode())
    assert open_reuse(sauce_house.artefacts, version, tmp_path) is None
