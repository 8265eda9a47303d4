"""What Home Assistant is told of a bench: one retained message that describes a device and what it shows.

Device-based discovery of its MQTT integration. Everything that the message names is there anyway, documents,
events and requests, so that a panel on a wall can do nothing that others cannot.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from coordinator import __version__
from coordinator.control.mqtt.topics import Topics

PERMIT = 180
"""Seconds that the switch opens joining for."""

Json = dict[str, object]


def topic(prefix: str, identifier: str) -> str:
    """Where Home Assistant looks for the description of the bench `identifier`."""
    return f"{prefix}/device/{_device(identifier)}/config"


def description(topics: Topics, identifier: str, profiles: Sequence[str]) -> bytes:
    """The message, JSON in UTF-8; `profiles` are the names that can be chosen."""
    device = _device(identifier)
    components = {
        "profile": _profile(topics, profiles),
        "permit_join": _permit_join(topics),
        "verdict": _verdict(topics),
        "radio": _radio(topics),
    }
    told: Json = {
        "device": {
            "identifiers": [device],
            "name": f"legacy-tc {identifier}",
            "manufacturer": "legacy-tc",
            "model": "Zigbee Trust Center bench",
            "sw_version": __version__,
        },
        "origin": {"name": "legacy-tc", "sw_version": __version__},
        "availability_topic": topics.availability,
        "components": {
            name: {**component, "unique_id": f"{device}-{name}", "qos": 1}
            for name, component in components.items()
        },
    }
    return json.dumps(told, separators=(",", ":")).encode()


def _device(identifier: str) -> str:
    return f"legacy-tc-{identifier}"


def _profile(topics: Topics, profiles: Sequence[str]) -> Json:
    """One that is in force and cannot be chosen, written out in a request for one, is shown as none."""
    choices = json.dumps(list(profiles))
    return {
        "platform": "select",
        "name": "Profile",
        "options": list(profiles),
        "state_topic": topics.document("state"),
        "value_template": f"{{{{ value_json.profile if value_json.profile in {choices} else 'None' }}}}",
        "command_topic": topics.request("profile/set"),
        "command_template": '{"profile": {{ value | tojson }}}',
    }


def _permit_join(topics: Topics) -> Json:
    return {
        "platform": "switch",
        "name": "Joining",
        "state_topic": topics.document("state"),
        "value_template": "{{ 'ON' if value_json.permit_join_until else 'OFF' }}",
        "state_on": "ON",
        "state_off": "OFF",
        "command_topic": topics.request("permit-join"),
        "payload_on": json.dumps({"seconds": PERMIT}),
        "payload_off": json.dumps({"seconds": 0}),
    }


def _verdict(topics: Topics) -> Json:
    """A verdict is an event and not retained: who was not there does not know the last one."""
    verdicts = topics.event("verdict")
    keys = ("outcome", "profile", "device", "run", "t_wall")
    shown = ", ".join(f"'{key}': value_json.get('{key}')" for key in keys)
    return {
        "platform": "sensor",
        "name": "Last verdict",
        "device_class": "enum",
        "options": ["pass", "fail", "inconclusive"],
        "force_update": True,
        "state_topic": verdicts,
        "value_template": "{{ value_json.verdict }}",
        "json_attributes_topic": verdicts,
        "json_attributes_template": f"{{{{ {{{shown}}} | tojson }}}}",
    }


def _radio(topics: Topics) -> Json:
    health = topics.document("health")
    return {
        "platform": "binary_sensor",
        "name": "Radio",
        "device_class": "connectivity",
        "entity_category": "diagnostic",
        "state_topic": health,
        "value_template": "{{ 'ON' if value_json.radio == 'ok' else 'OFF' }}",
        "json_attributes_topic": health,
        "json_attributes_template": (
            "{{ {'radio': value_json.radio, 'problems': value_json.problems} | tojson }}"
        ),
    }
