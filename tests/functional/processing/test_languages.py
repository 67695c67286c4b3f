"""Languages of an ingest: counted when its shards are processed."""

from lambdas.processing.service import Processor
from tests.ingests import store_shard

TEXTS = (
    "The zip broke after two days and the lining is torn.",
    "I love this jacket, it is warm and it fits me well.",
    "Der Reißverschluss ist nach zwei Tagen kaputt gegangen, sehr schlechte Qualität.",
    "La cremallera se rompió el segundo día y nadie contesta mis correos.",
)


def test_an_ingest_counts_its_reviews_by_language(dependencies, ledger):
    ingest_id = ledger.receive("raw", "uploads/jackets", "etag")
    ledger.start(ingest_id)
    messages = [
        store_shard(
            dependencies.database,
            dependencies.clean,
            ingest_id,
            part,
            [{"review_id": f"r{part}{n}", "record": 4 * part + n + 1, "source": "t", "text": text}
             for n, text in enumerate(TEXTS)],
            fingerprint=f"f{part}",
        )
        for part in range(2)
    ]  # fmt: skip
    ledger.finish(ingest_id)
    assert ledger.report(ingest_id).languages == {}
    for message in messages:
        Processor(dependencies).process(message)
    assert ledger.report(ingest_id).languages == {"en": 4, "de": 2, "es": 2}
