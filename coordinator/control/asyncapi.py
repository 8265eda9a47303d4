"""The control plane as an AsyncAPI 3.0.0 document with MQTT bindings 0.2.0, and all files of `docs/api`.

It speaks of the bench: it receives requests, and sends answers, events and documents.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from coordinator.control import json_schemas
from coordinator.control.json_schemas import answer_name, event_name, request_name
from coordinator.control.schema.commands import COMMANDS, Command
from coordinator.control.schema.documents import API
from coordinator.control.schema.events import EVENTS

VERSION = "3.0.0"
BINDING = "0.2.0"
ROOT = "legacy-tc/{tcId}"
REQUEST_EXPIRY = 10
"""Seconds after which a broker should not hand on a request any more."""

DESCRIPTION = """A bench that plays Zigbee Trust Centers: old, compliant or broken ones, switched mid-test.

Requests are JSON objects; unknown keys are refused. The answer goes to the MQTT 5 response topic with the
correlation data copied, and to the response channel for clients of MQTT 3.1.1. Retained and expired requests
are refused. The same transaction within 60 s gets the first answer again. Events are numbered at the source;
what was lost on the way shows as a gap and as an event of kind dropped. Answers, events and documents may
grow by further keys.

Over HTTP the same payloads are POST /api/v1/<command> and GET /api/v1/events (server-sent events).
"""
DOCUMENT_SUMMARIES = {
    "info": "Who this is and what it can do; look here before asking.",
    "state": "The Trust Center at present, replaced whole.",
    "health": "Whether it works; the last word of a bench that ends is that it has ended.",
}

Document = dict[str, Any]


def channel_of(*parts: str) -> str:
    """A channel's key: ``request.profile-set``."""
    return ".".join(part.replace("/", "-") for part in parts)


@functools.cache
def document() -> Document:
    """The AsyncAPI document."""
    channels: Document = {"availability": _channel("availability", "availability")}
    operations: Document = {"send.availability": _send("availability", retain=True)}
    messages: Document = {"availability": _availability()}
    for name in json_schemas.DOCUMENTS:
        channels[name] = _channel(name, name)
        operations[f"send.{name}"] = _send(name, retain=True)
        messages[name] = _message(name, name, DOCUMENT_SUMMARIES[name])
    for kind, model in EVENTS.items():
        name = channel_of("event", kind)
        channels[name] = _channel(f"event/{kind}", name)
        operations[f"send.{name}"] = _send(name, retain=False)
        summary = (model.__doc__ or "").strip().partition("\n")[0]
        messages[name] = _message(event_name(kind), kind, summary)
    for verb, command in COMMANDS.items():
        asked, answered = channel_of("request", verb), channel_of("response", verb)
        channels[asked] = _channel(f"request/{verb}", asked)
        channels[answered] = _channel(f"response/{verb}", answered)
        operations[channel_of("receive", verb)] = _receive(command, asked, answered)
        messages[asked] = _request(command)
        messages[answered] = _answer(command)
    components: Document = {
        "messages": messages,
        "parameters": {"tcId": {"description": "The bench: [a-z0-9-]{1,32}.", "examples": ["rack7-tc0"]}},
        "schemas": {},
    }
    for name, schema in json_schemas.schemas().items():
        _hoist(name, schema, components["schemas"])
    return {
        "asyncapi": VERSION,
        "id": f"urn:legacy-tc:api:{API}",
        "info": {
            "title": "legacy-tc",
            "version": API,
            "description": DESCRIPTION,
            "license": {"name": "GPL-3.0-or-later", "url": "https://www.gnu.org/licenses/gpl-3.0.html"},
        },
        "defaultContentType": "application/json",
        "servers": {"broker": _server()},
        "channels": channels,
        "operations": operations,
        "components": components,
    }


@functools.cache
def files() -> Mapping[str, bytes]:
    """Every file by its name: the document, and each schema."""
    found = {"asyncapi.json": _encoded(document())}
    for name, schema in json_schemas.schemas().items():
        found[f"{name}.json"] = _encoded(schema)
    return MappingProxyType(found)


def _encoded(value: Document) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def _server() -> Document:
    will = {"topic": f"{ROOT}/availability", "qos": 1, "message": "offline", "retain": True}
    return {
        "host": "localhost:1883",
        "protocol": "mqtt",
        "protocolVersion": "5.0",
        "description": "The broker of a rack; with TLS and client certificates where others reach it.",
        "bindings": {"mqtt": {"lastWill": will, "bindingVersion": BINDING}},
    }


def _channel(address: str, name: str) -> Document:
    return {
        "address": f"{ROOT}/{address}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "parameters": {"tcId": {"$ref": "#/components/parameters/tcId"}},
    }


def _send(channel: str, *, retain: bool) -> Document:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{channel}"}],
        "bindings": {"mqtt": {"qos": 1, "retain": retain, "bindingVersion": BINDING}},
    }


def _receive(command: Command, asked: str, answered: str) -> Document:
    bindings = {"qos": 1, "retain": False, "messageExpiryInterval": REQUEST_EXPIRY}
    return {
        "action": "receive",
        "summary": command.summary,
        "channel": {"$ref": f"#/channels/{asked}"},
        "messages": [{"$ref": f"#/channels/{asked}/messages/{asked}"}],
        "reply": {
            "channel": {"$ref": f"#/channels/{answered}"},
            "messages": [{"$ref": f"#/channels/{answered}/messages/{answered}"}],
        },
        "bindings": {"mqtt": {**bindings, "bindingVersion": BINDING}},
    }


def _message(schema: str, title: str, summary: str) -> Document:
    return {
        "name": schema,
        "title": title,
        "summary": summary,
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{schema}"},
    }


def _request(command: Command) -> Document:
    topic = {"type": "string", "description": "Where the answer goes: legacy-tc/_reply/<user>/... by custom."}
    correlation = {"type": "string", "description": "Any octets; they come back with the answer."}
    return {
        **_message(request_name(command.verb), command.verb, command.summary),
        "correlationId": {"location": "$message.payload#/transaction"},
        "bindings": {
            "mqtt": {
                "contentType": "application/json",
                "responseTopic": topic,
                "correlationData": correlation,
                "bindingVersion": BINDING,
            }
        },
    }


def _answer(command: Command) -> Document:
    correlation = {"type": "string", "description": "That of the request."}
    return {
        **_message(answer_name(command.verb), f"Answer to {command.verb}", "Once it has taken effect."),
        "correlationId": {"location": "$message.payload#/transaction"},
        "bindings": {"mqtt": {"correlationData": correlation, "bindingVersion": BINDING}},
    }


def _availability() -> Document:
    return {
        "name": "availability",
        "title": "availability",
        "summary": "Whether the bench is there; the broker says offline when it has lost it.",
        "contentType": "text/plain",
        "payload": {"type": "string", "enum": ["online", "offline"]},
    }


def _hoist(name: str, schema: json_schemas.Schema, into: Document) -> None:
    """Put a schema and its definitions among the components. Raises ValueError for an ambiguous name."""
    for key, value in schema.get("$defs", {}).items():
        moved = _moved(value)
        if into.setdefault(key, moved) != moved:
            raise ValueError(f"two models are called {key}")
    body = {key: value for key, value in schema.items() if key not in ("$schema", "$id", "$defs")}
    into[name] = _moved(body)


def _moved(value: Any) -> Any:
    """The same with its references pointing to the components."""
    if isinstance(value, dict):
        return {
            key: found.replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _moved(found)
            for key, found in value.items()
        }
    return [_moved(each) for each in value] if isinstance(value, list) else value
