"""The JSON Schema of a configuration, draft 2020-12, for editors and for whoever makes configurations."""

from __future__ import annotations

from coordinator.config.schema import Document

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def generate() -> dict[str, object]:
    """The schema. TOML has no null: a key that may be absent is left out, so null is no value here."""
    found = {"$schema": DIALECT, **_without_null(Document.model_json_schema())}
    found["title"] = "legacy-tc configuration"
    return found


def _without_null(node: dict[str, object]) -> dict[str, object]:
    """The same schema with null and the titles, which only repeat the keys, taken out."""
    found: dict[str, object] = {}
    for name, value in node.items():
        if name == "title" and isinstance(value, str):
            continue
        found[name] = _walked(value)
    if "default" in found and (found["default"] is None or "$ref" in found):
        del found["default"]
    choices = node.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        rest = [_walked(choice) for choice in choices if choice != {"type": "null"}]
        found["anyOf"] = rest
        if len(rest) == 1 and isinstance(rest[0], dict):
            del found["anyOf"]
            found = {**rest[0], **found}
    return found


def _walked(value: object) -> object:
    if isinstance(value, dict):
        return _without_null(value)
    if isinstance(value, list):
        return [_walked(each) for each in value]
    return value
