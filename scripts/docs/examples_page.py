"""local/stack/examples.json: an example of each schema of the API, from docs/api.md."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cdk.paths import ROOT
from local.stack.gateway import create_app

_PAGE = ROOT / "docs" / "api.md"
_SECTION = re.compile(r"^### (\w+) (/\S*)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_PROBLEM = re.compile(r"^## Errors\n.*?^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)
_BODY = re.compile(r"-d '(\{.*?\})'", re.DOTALL)
_ANSWER = re.compile(r"^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SCORE = {"Positive": 0.075813, "Negative": 0.841554, "Neutral": 0.082633, "Mixed": 0.0}
_MENTION = {
    "Text": "battery life",
    "Type": "ATTRIBUTE",
    "MentionSentiment": {"Sentiment": "NEGATIVE", "SentimentScore": _SCORE},
    "BeginOffset": 4,
    "EndOffset": 16,
}
_PARTS: dict[str, Any] = {
    "PictureSource": {"image_url": "https://images.example.org/hinge.jpg"},
    "PictureOpinion": {
        "sentiment": "negative",
        "confidence": 0.812402,
        "sure": False,
        "probabilities": {"negative": 0.812402, "neutral": 0.093117, "positive": 0.094481},
    },
    "SentenceAnalysis": {
        "start": 0,
        "end": 22,
        "sentiment": "negative",
        "confidence": 0.961204,
        "sure": True,
    },
    "Word": {"start": 0, "end": 5, "weight": 1.204718},
    "FailedShard": {
        "part": 3,
        "rows": 5000,
        "attempts": 5,
        "reason": "the worker ended while it processed the shard",
        "failed_at": "2026-11-29T04:12:31.504120Z",
    },
    "BulkProgress": {
        "ranges": 12,
        "ranges_stored": 7,
        "ranges_failed": 0,
        "records": 3105520,
        "cost_usd": 0.041736,
    },
    "ComprehendResponse": {
        "Sentiment": "NEGATIVE",
        "SentimentScore": _SCORE,
    },
    "ComprehendResult": {"Index": 0, "Sentiment": "NEGATIVE", "SentimentScore": _SCORE},
    "ComprehendScore": _SCORE,
    "ComprehendItemError": {
        "Index": 3,
        "ErrorCode": "TextSizeLimitExceededException",
        "ErrorMessage": "the text has 5001 bytes in UTF-8: at most 5000 are allowed",
    },
    "ComprehendEntity": {"DescriptiveMentionIndex": [0], "Mentions": [_MENTION]},
    "ComprehendMention": _MENTION,
    "ComprehendMentionSentiment": _MENTION["MentionSentiment"],
    "ComprehendFailure": {
        "__type": "UnsupportedLanguageException",
        "Message": "LanguageCode: the model knows only English (en), not de",
    },
    "OpenAIErrorDetail": {
        "message": "input.3: must not be blank",
        "type": "invalid_request_error",
        "param": "input.3",
        "code": "invalid_input",
    },
    "OpenAIError": {
        "error": {
            "message": "The model 'ada' does not exist: 'reviewlens' is the current one.",
            "type": "invalid_request_error",
            "param": "model",
            "code": "model_not_found",
        }
    },
    "QuarantinedFile": {
        "name": "20261129T041231-rows.sqlite",
        "reason": "its bytes do not match the checksum in the manifest",
        "at": "2026-11-29T04:12:31+00:00",
    },
}
"""Schemas that no answer on the page has, because a part of it is null or a list is empty."""


def examples_file() -> str:
    """The examples by the names of their schemas, sorted."""
    page = _PAGE.read_text(encoding="utf-8")
    document = create_app().openapi()
    schemas = document["components"]["schemas"]
    found: dict[str, Any] = {}
    for schema, value in _shown(page, document["paths"]):
        _collect(schema, value, schemas, found)
    for name, value in _PARTS.items():
        found.setdefault(name, value)
    return json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _shown(page: str, paths: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    """Each body and each answer on the page, with its schema."""
    for method, path, text in _SECTION.findall(page):
        operation = paths[path][method.lower()]
        if "requestBody" in operation and (body := _BODY.search(text)):
            yield _schema(operation["requestBody"]), json.loads(body[1])
        if answer := _ANSWER.search(text):
            status = min(operation["responses"])  # 200 or 202
            yield _schema(operation["responses"][status]), json.loads(answer[1])
    if problem := _PROBLEM.search(page):
        yield {"$ref": "#/components/schemas/Problem"}, json.loads(problem[1])


def _schema(part: Mapping[str, Any]) -> dict[str, Any]:
    contents = part["content"]
    content = contents.get("application/json") or next(iter(contents.values()))
    schema: dict[str, Any] = content["schema"]
    return schema


def _collect(
    schema: Mapping[str, Any], value: Any, schemas: Mapping[str, Any], found: dict[str, Any]
) -> None:
    """Keep the first value of each object schema in a value."""
    if value is None:
        return
    if name := schema.get("$ref", "").rpartition("/")[2]:
        if "properties" in schemas[name]:
            found.setdefault(name, value)
        _collect(schemas[name], value, schemas, found)
    for alternative in schema.get("anyOf", ()):
        if "$ref" in alternative or "items" in alternative:
            _collect(alternative, value, schemas, found)
    if isinstance(value, list):
        for entry in value:
            _collect(schema.get("items", {}), entry, schemas, found)
    elif isinstance(value, dict):
        others = schema.get("additionalProperties")
        for field, entry in value.items():
            own = schema.get("properties", {}).get(field, others)
            _collect(own if isinstance(own, dict) else {}, entry, schemas, found)
