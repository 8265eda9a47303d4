"""What a daemon does beside its run: who may command it, how it logs, where captures go."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from coordinator.config import schema, values
from coordinator.config.configuration import Configuration
from coordinator.config.values import BrokerUrl, Listen
from coordinator.types import SECOND, Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Mqtt:
    """The broker, and how to speak to it. Files were readable when the configuration was read."""

    broker: BrokerUrl
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    outbox: int = schema.Mqtt().outbox
    keepalive: Duration = schema.Mqtt().keepalive_seconds * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """Where to listen, and the file with the token that must come with a request."""

    listen: Listen
    token_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What those who give commands may see and do, whatever they come by.

    `id` names the bench. `folder` takes captures that commands begin, each of up to `max_bytes` octets.
    """

    id: str = schema.Mqtt().id
    expose_keys: bool = False
    frames: bool = False
    requests_in_flight: int = schema.Control().requests_in_flight
    folder: Path | None = None
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What is logged, and how it is written."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything of a configuration that is not the run itself."""

    mqtt: Mqtt | None = None
    http: Http | None = None
    control: Control = field(default_factory=Control)
    log: Log = field(default_factory=Log)


def of(configuration: Configuration) -> Services:
    """The services of a configuration in which `rules` found no fault."""
    found = configuration.values
    return Services(
        mqtt=None if found.mqtt.url is None else _mqtt(found.mqtt, values.broker(found.mqtt.url)),
        http=None
        if found.http.listen is None
        else Http(listen=values.listen(found.http.listen), token_file=found.http.token_file),
        control=Control(
            id=found.mqtt.id,
            expose_keys=found.control.expose_keys,
            frames=found.mqtt.frames,
            requests_in_flight=found.control.requests_in_flight,
            folder=found.evidence.folder,
            max_bytes=found.evidence.max_bytes,
        ),
        log=Log(level=found.log.level, format=found.log.format),
    )


def _mqtt(table: schema.Mqtt, broker: BrokerUrl) -> Mqtt:
    return Mqtt(
        broker=broker,
        username=table.username,
        password_file=table.password_file,
        ca_file=table.ca_file,
        certificate_file=table.certificate_file,
        key_file=table.key_file,
        outbox=table.outbox,
        keepalive=table.keepalive_seconds * SECOND,
    )
