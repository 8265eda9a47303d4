"""From a configuration to a control plane."""

from __future__ import annotations

from pathlib import Path

import typer

from coordinator.config import rules, secret_files, values
from coordinator.config.configuration import Configuration
from coordinator.config.origin import Source
from coordinator.control.http.listening import Address
from coordinator.control.mqtt import link
from coordinator.control.mqtt.link import Link, LinkError
from coordinator.control.options import Options
from coordinator.daemon import Control, Http
from coordinator.daemon.control import LogSettings
from coordinator.profiles.errors import together


def is_steered(configuration: Configuration) -> bool:
    """Whether somebody outside gives commands: then nothing begins by itself."""
    return configuration.values.mqtt.url is not None or configuration.values.http.listen is not None


def control(configuration: Configuration) -> Control | None:
    """How the run is steered from outside; None when it is not.

    Raises typer.BadParameter for a wrong option, ConfigurationError for the rest.
    """
    remarks = rules.faults(configuration)
    for key, message in remarks:
        origin = configuration.origin(key)
        if origin.source is Source.OPTION:
            raise typer.BadParameter(message, param_hint=origin.name)
    if remarks:
        raise together([configuration.error(*remark) for remark in remarks])
    found = configuration.values
    if not is_steered(configuration):
        return None
    return Control(
        options=Options(
            id=found.mqtt.id,
            folder=found.evidence.folder,
            max_bytes=found.evidence.max_bytes,
            expose_keys=found.control.expose_keys,
            frames=found.mqtt.frames,
        ),
        in_flight=found.control.requests_in_flight,
        http=None if found.http.listen is None else _http(found.http.listen, found.http.token_file),
        mqtt=broker(configuration),
        log=LogSettings(level=found.log.level, form=found.log.format),
    )


def make_folder(configuration: Configuration) -> None:
    """Make the folder for captures, which have keys in them. Raises ConfigurationError where that fails now
    rather than in the middle of a test.
    """
    folder = configuration.values.evidence.folder
    if folder is None or not is_steered(configuration):
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = f"{folder}: cannot be made: {error.strerror or error}"
        raise configuration.error(rules.EVIDENCE_FOLDER, reason) from None


def broker(configuration: Configuration) -> Link | None:
    """The broker, and our place on it. Raises ConfigurationError for files that TLS cannot use."""
    mqtt = configuration.values.mqtt
    if mqtt.url is None:
        return None
    found = link.at(
        mqtt.url,
        allow_plaintext=mqtt.allow_plaintext,
        id=mqtt.id,
        username=mqtt.username,
        password=None if mqtt.password_file is None else secret_files.text(mqtt.password_file),
        ca_file=mqtt.ca_file,
        certificate_file=mqtt.certificate_file,
        key_file=mqtt.key_file,
        outbox=mqtt.outbox,
        keepalive=mqtt.keepalive_seconds,
        home_assistant=mqtt.home_assistant_prefix if mqtt.home_assistant else None,
    )
    try:
        found.context()
    except LinkError as error:
        blamed = rules.MQTT_CERTIFICATE
        if str(error).startswith(f"{mqtt.ca_file}: "):
            blamed = rules.MQTT_CA
        raise configuration.error(blamed, str(error)) from None
    return found


def _http(listen: str, token_file: Path | None) -> Http:
    where = values.listen(listen)
    return Http(
        address=Address(host=where.host, port=where.port),
        token=None if token_file is None else secret_files.text(token_file),
    )
