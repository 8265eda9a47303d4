"""JSON Schemas (draft 2020-12) of everything that is said over MQTT and HTTP, from the models themselves.

Requests are closed, for a typing error must fail. What is sent is open, for it may grow.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from coordinator.control.schema import documents
from coordinator.control.schema.base import Data
from coordinator.control.schema.commands import COMMANDS, Command, Response
from coordinator.control.schema.events import EVENTS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DOCUMENTS: Mapping[str, type[Data]] = MappingProxyType(
    {"info": documents.Info, "state": documents.State, "health": documents.Health}
)

Schema = dict[str, Any]


def request_name(verb: str) -> str:
    """The schema of a command's payload."""
    return f"request.{verb.replace('/', '-')}"


def answer_name(verb: str) -> str:
    """The schema of a command's answer, whole."""
    return f"answer.{verb.replace('/', '-')}"


def event_name(kind: str) -> str:
    """The schema of an event."""
    return f"event.{kind}"


@functools.cache
def schemas() -> Mapping[str, Schema]:
    """Every schema by its name: ``request.profile-set``, ``answer.profile-set``, ``event.left``, ``info``."""
    found: dict[str, Schema] = {}
    for verb, command in COMMANDS.items():
        found[request_name(verb)] = request(command)
        found[answer_name(verb)] = _answer(command)
    for kind, model in EVENTS.items():
        event = model.model_json_schema(mode="serialization")
        event["properties"]["kind"] = {"const": kind, "title": "Kind", "type": "string"}
        found[event_name(kind)] = _named(event_name(kind), event)
    for name, model in DOCUMENTS.items():
        found[name] = _named(name, model.model_json_schema(mode="serialization"))
    return MappingProxyType(found)


def request(command: Command) -> Schema:
    """The schema of a command's payload."""
    return _named(request_name(command.verb), command.request.model_json_schema(mode="validation"))


def _answer(command: Command) -> Schema:
    """`Response`, with the data of this command, and one of data and error."""
    answer = Response.model_json_schema(mode="serialization")
    data = command.answer.model_json_schema(mode="serialization")
    definitions = {**answer.pop("$defs", {}), **data.pop("$defs", {})}
    definitions[command.answer.__name__] = data
    answer["title"] = f"Answer to {command.verb}"
    answer["required"] = ["status"]
    answer["properties"]["data"] = {"$ref": f"#/$defs/{command.answer.__name__}"}
    answer["properties"]["error"] = {"$ref": "#/$defs/Error"}
    answer["oneOf"] = [
        {"properties": {"status": {"const": "ok"}}, "required": ["data"]},
        {"properties": {"status": {"const": "error"}}, "required": ["error"]},
    ]
    answer["$defs"] = definitions
    return _named(answer_name(command.verb), answer)


def _named(name: str, schema: Schema) -> Schema:
    return {"$schema": DIALECT, "$id": f"urn:legacy-tc:api:{documents.API}:{name}", **schema}
