"""The brokers that tests ask for by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.control.mqtt.broker import Broker, broker


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
