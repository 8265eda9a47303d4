"""From the services of a configuration to a control plane."""

from __future__ import annotations

from coordinator.config import secret_files
from coordinator.config import services as configured
from coordinator.config.services import Services
from coordinator.control.bench.bench import Options
from coordinator.control.http.listening import Address
from coordinator.control.mqtt.link import Link, LinkError
from coordinator.daemon import Control, Http
from coordinator.daemon.log import LogSettings
from coordinator.profiles.errors import ConfigurationError
from coordinator.types import SECOND


def control(services: Services) -> Control | None:
    """How the run is steered from outside; None: not at all. Raises ConfigurationError."""
    if services.mqtt is None and services.http is None:
        return None
    asked = services.control
    return Control(
        options=Options(
            id=asked.id,
            folder=asked.folder,
            max_bytes=asked.max_bytes,
            expose_keys=asked.expose_keys,
            frames=asked.frames,
        ),
        in_flight=asked.requests_in_flight,
        http=None if services.http is None else _http(services.http),
        mqtt=None if services.mqtt is None else _mqtt(services.mqtt, asked.id),
        log=LogSettings(level=services.log.level, form=services.log.format),
    )


def _http(http: configured.Http) -> Http:
    return Http(
        address=Address(host=http.listen.host, port=http.listen.port),
        token=None if http.token_file is None else secret_files.text(http.token_file),
    )


def _mqtt(mqtt: configured.Mqtt, identifier: str) -> Link:
    link = Link(
        host=mqtt.broker.host,
        port=mqtt.broker.port,
        id=identifier,
        tls=mqtt.broker.tls,
        username=mqtt.username,
        password=None if mqtt.password_file is None else secret_files.text(mqtt.password_file),
        ca_file=mqtt.ca_file,
        certificate_file=mqtt.certificate_file,
        key_file=mqtt.key_file,
        outbox=mqtt.outbox,
        keepalive=mqtt.keepalive // SECOND,
    )
    try:
        link.context()
    except LinkError as error:
        raise ConfigurationError("configuration", "mqtt", str(error)) from None
    return link
