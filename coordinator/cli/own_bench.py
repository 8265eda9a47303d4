"""The bench of this machine, found by the configuration that it runs with: file, conf.d, environment."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from coordinator.cli import steering
from coordinator.config import configuration as configurations
from coordinator.config import rules, secret_files, values
from coordinator.config.configuration import Configuration
from coordinator.config.keys import Key
from coordinator.control.mqtt.link import Link
from coordinator.profiles.errors import together

DEFAULT_PORT = 8321
"""Where a bench of this machine serves HTTP unless it is told otherwise."""
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Whatever it listens on, this machine reaches it by these."""


def described(path: Path | None) -> Configuration:
    """What the bench was told, but for its options. What is wrong is told of by who needs it."""
    return configurations.read(path, os.environ)


def url(configuration: Configuration) -> str:
    """Where it serves HTTP. Raises ConfigurationError."""
    _refuse_doubt(configuration, rules.HTTP_LISTEN)
    listen = configuration.values.http.listen
    if listen is None:
        return f"http://127.0.0.1:{DEFAULT_PORT}"
    told = values.listen(listen)
    if told.port == 0:
        message = "lets the bench take a free port: name the one it took with --http"
        raise configuration.error(rules.HTTP_LISTEN, message)
    host = ANYWHERE.get(told.host, told.host)
    return f"http://[{host}]:{told.port}" if ":" in host else f"http://{host}:{told.port}"


def token(configuration: Configuration) -> str | None:
    """What it asks of those who come over HTTP. Raises ConfigurationError."""
    _refuse_doubt(configuration, rules.HTTP_TOKEN)
    file = configuration.values.http.token_file
    try:
        return None if file is None else secret_files.text(file)
    except ValueError as error:
        raise configuration.error(rules.HTTP_TOKEN, str(error)) from None


def only_on_a_broker(configuration: Configuration) -> Link | None:
    """Its broker, as whom it is known there, where it serves no HTTP. Raises ConfigurationError.

    With a certificate the name is its [mqtt] id, as deploy/mosquitto has it: answers go to its topics.
    """
    mqtt = configuration.values.mqtt
    if configuration.values.http.listen is not None:
        return None
    _refuse_doubt(configuration, *(key for key in configuration.doubtful if key.section == "mqtt"))
    if mqtt.url is None:
        return None
    remarks = [remark for remark in rules.faults(configuration) if remark.key.section == "mqtt"]
    if remarks:
        raise together([configuration.error(*remark) for remark in remarks])
    link = steering.broker(configuration)
    if link is not None and link.username is None and link.certificate_file is not None:
        link = replace(link, username=link.id)
    return link


def _refuse_doubt(configuration: Configuration, *keys: Key) -> None:
    """Raise ConfigurationError for all that is wrong where nobody knows what was meant with one of these."""
    if not configuration.is_sure(*keys):
        raise together(configuration.problems)
