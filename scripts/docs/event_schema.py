"""docs/reference/ingest_finished.json: the JSON Schema of the event of a finished ingest."""

import json

from shared.schemas.events import IngestFinished


def event_schema() -> str:
    """The schema of the event's ``detail``."""
    return json.dumps(IngestFinished.model_json_schema(mode="serialization"), indent=2) + "\n"
