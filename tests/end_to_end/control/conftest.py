"""The broker that a test of this folder has for itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.control.mqtt.broker import Broker, broker


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Broker]:
    """A mosquitto of the test's own."""
    folder = tmp_path / "broker"
    folder.mkdir()
    with broker(folder) as made:
        yield made
