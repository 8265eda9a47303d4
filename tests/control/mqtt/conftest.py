"""The brokers that tests ask for by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.control.mqtt.authority import Authority, authority_in
from tests.control.mqtt.bench import BASE
from tests.control.mqtt.broker import Broker, broker
from tests.operation.debian import program, run


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One that a whole module uses: nobody may harm it, and nothing may stay retained that a test reads."""
    with broker(tmp_path_factory.mktemp("broker")) as made:
        yield made


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Broker]:
    """One for a single test, which may do with it what it likes."""
    with broker(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority_in(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Broker]:
    """A broker that knows `bench`, with the password `right`, and what it may."""
    passwords = tmp_path / "passwords"
    acl = tmp_path / "acl"
    passwords.touch(mode=0o600)
    for user in ("bench", "narrow", "runner", "screen"):
        run(program("mosquitto_passwd", "mosquitto"), "-b", passwords, user, "right")
    acl.write_text(
        f"user bench\ntopic write {BASE}/#\ntopic read {BASE}/request/#\ntopic write legacy-tc/_reply/#\n"
        f"user narrow\ntopic write {BASE}/availability\ntopic write {BASE}/info\ntopic write {BASE}/state\n"
        f"topic write {BASE}/health\ntopic read {BASE}/request/#\n"
        f"user runner\ntopic read {BASE}/#\ntopic write {BASE}/request/#\n"
        f"user screen\ntopic read {BASE}/#\n"
        "pattern read legacy-tc/_reply/%u/#\n",
        encoding="utf-8",
    )
    config = f"allow_anonymous false\npassword_file {passwords}\nacl_file {acl}"
    with broker(tmp_path, config) as made:
        yield made
