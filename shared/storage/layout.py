"""Where things stand in the buckets. Everything but pointers is written once and never changed."""

UPLOADS = "uploads/"


def clean_shard(ingest_id: str, part: int) -> str:
    """Parquet shard of clean reviews (clean bucket)."""
    return f"reviews/{ingest_id}/part-{part:05d}.parquet"


def embeddings_prefix(model_version: str) -> str:
    """Prefix of everything that a model version embedded (artefact bucket)."""
    return f"embeddings/{model_version}/"


def embedding_shard(model_version: str, ingest_id: str, part: int) -> str:
    """float16 array, rows x dimension, row-aligned with the clean shard (artefact bucket)."""
    return f"{embeddings_prefix(model_version)}{ingest_id}/part-{part:05d}.npy"


def analysis_shard(model_version: str, ingest_id: str, part: int) -> str:
    """Parquet of what answers show (SERVED_SCHEMA), row-aligned with the array beside it."""
    return f"{embeddings_prefix(model_version)}{ingest_id}/part-{part:05d}.parquet"


def version_prefix(kind: str, version: str) -> str:
    """Prefix of an immutable model or index version (artefact bucket)."""
    return f"{'models' if kind == 'model' else 'indexes'}/{version}/"


def pointer_key(kind: str) -> str:
    """The object that names the current version of a kind (artefact bucket)."""
    return f"pointers/{kind}.json"
