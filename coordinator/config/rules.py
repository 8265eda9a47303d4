"""What only all values together can tell: those of MQTT and HTTP, and the files that are named.

Whether a run can be made of the rest is for whoever makes it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from coordinator.config import broker_url, secret_files, values
from coordinator.config.configuration import Configuration
from coordinator.config.keys import Key, entries
from coordinator.radio import url as radio_url
from coordinator.radio.url import Simulated

MQTT_URL = Key("mqtt", "url")
MQTT_KEY_FILE = Key("mqtt", "key_file")
MQTT_CERTIFICATE = Key("mqtt", "certificate_file")
MQTT_PLAINTEXT = Key("mqtt", "allow_plaintext")
MQTT_USERNAME = Key("mqtt", "username")
MQTT_PASSWORD = Key("mqtt", "password_file")
MQTT_CA = Key("mqtt", "ca_file")
MQTT_PANEL = Key("mqtt", "home_assistant")
MQTT_PANEL_PREFIX = Key("mqtt", "home_assistant_prefix")
MQTT_TLS = (MQTT_CA, MQTT_CERTIFICATE, MQTT_KEY_FILE)
CAPTURE = Key("evidence", "capture")
EVENTS = Key("evidence", "events")
EVIDENCE_FOLDER = Key("evidence", "folder")
FOLDERS = (EVIDENCE_FOLDER, Key("state", "folder"))
RADIO_URL = Key("radio", "url")
HTTP_LISTEN = Key("http", "listen")
HTTP_TOKEN = Key("http", "token_file")

READ: dict[Key, Callable[[Path], object]] = {
    Key("network", "key_file"): values.key_in,
    MQTT_PASSWORD: secret_files.text,
    HTTP_TOKEN: secret_files.text,
    **dict.fromkeys(MQTT_TLS, secret_files.octets),
}
"""The files that are read, and how it is found out whether that works."""
OF_A_REAL_RADIO = (Key("radio", "tx_power"), Key("joining", "allow"), Key("joining", "any_joiner"))
OF_A_SIMULATED_RADIO = (Key("simulation", "joiner"), Key("simulation", "seed"))


class Remark(NamedTuple):
    """Something to say of a key."""

    key: Key
    message: str


def faults(configuration: Configuration) -> list[Remark]:
    """All that is wrong between values that are right each by itself, as far as they are known."""
    return [
        *_of_mqtt(configuration),
        *_of_http(configuration),
        *_of_files(configuration),
        *_of_folders(configuration),
        *_of_evidence(configuration),
    ]


def warnings(configuration: Configuration) -> list[Remark]:
    """What works and is probably not meant."""
    return [
        *_open_secrets(configuration),
        *_without_effect(configuration),
    ]


def _of_mqtt(configuration: Configuration) -> Iterator[Remark]:
    mqtt = configuration.values.mqtt
    sure = configuration.is_sure
    if mqtt.password_file is not None and mqtt.username is None and sure(MQTT_USERNAME):
        yield Remark(MQTT_PASSWORD, "a password without a user: give mqtt.username as well")
    if mqtt.key_file is not None and mqtt.certificate_file is None and sure(MQTT_CERTIFICATE):
        yield Remark(
            MQTT_KEY_FILE, "a private key without its certificate: give mqtt.certificate_file as well"
        )
    if mqtt.url is None:
        return
    broker = broker_url.parse(mqtt.url)
    if broker.tls:
        return
    if not mqtt.allow_plaintext and sure(MQTT_PLAINTEXT):
        try:
            broker_url.refuse_plaintext(broker)
        except ValueError as error:
            yield Remark(MQTT_URL, str(error))
    for key in MQTT_TLS:
        if configuration.value(key) is not None:
            yield Remark(key, "is for mqtts://, and mqtt.url says mqtt://, which is plain text")


def _of_http(configuration: Configuration) -> Iterator[Remark]:
    http = configuration.values.http
    if http.listen is None or http.token_file is not None or not configuration.is_sure(HTTP_TOKEN):
        return
    if not values.is_loopback(values.listen(http.listen).host):
        yield Remark(
            HTTP_LISTEN, "others than this host can reach this: give http.token_file, or listen on 127.0.0.1"
        )


def _of_files(configuration: Configuration) -> Iterator[Remark]:
    for key, read in READ.items():
        path = configuration.value(key)
        if isinstance(path, Path):
            try:
                read(path)
            except ValueError as error:
                yield Remark(key, str(error))


def _of_folders(configuration: Configuration) -> Iterator[Remark]:
    for key in FOLDERS:
        path = configuration.value(key)
        if isinstance(path, Path) and os.path.exists(path) and not os.path.isdir(path):
            yield Remark(key, f"{path}: is no folder")


def _of_evidence(configuration: Configuration) -> Iterator[Remark]:
    capture, events = configuration.values.evidence.capture, configuration.values.evidence.events
    if capture is None or events is None or (capture.exists() and not capture.is_file()):
        return  # a pipe or a device may be both
    if os.path.realpath(capture) == os.path.realpath(events):
        yield Remark(EVENTS, f"{events}: cannot be the capture and the event file at once")


def _open_secrets(configuration: Configuration) -> Iterator[Remark]:
    for entry in entries():
        path = configuration.value(entry.key)
        if entry.is_secret and isinstance(path, Path) and secret_files.readable_by_others(path):
            yield Remark(entry.key, f"{path} can be read by everybody on this machine: chmod o-r")


def _without_effect(configuration: Configuration) -> Iterator[Remark]:
    radio = configuration.values.radio.url
    url = radio_url.parse(radio)
    for key in OF_A_REAL_RADIO if isinstance(url, Simulated) else OF_A_SIMULATED_RADIO:
        if configuration.value(key) and configuration.is_sure(RADIO_URL):
            yield Remark(key, f"has no effect with the radio {radio}")
    for section, switch in (("mqtt", MQTT_URL), ("http", HTTP_LISTEN)):
        given = [key for key in configuration.origins if key.section == section and key != switch]
        if given and configuration.value(switch) is None and configuration.is_sure(switch):
            yield Remark(given[0], f"has no effect without {switch}")
    panel = configuration.values.mqtt.home_assistant
    if MQTT_PANEL_PREFIX in configuration.origins and not panel and configuration.is_sure(MQTT_PANEL):
        yield Remark(MQTT_PANEL_PREFIX, f"has no effect without {MQTT_PANEL} = true")
