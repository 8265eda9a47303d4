"""The one door to a shared air: whoever comes first hosts it, whoever comes later joins."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial

from coordinator.codec.cursor import DecodeError
from coordinator.radio.air import datagrams, messages
from coordinator.radio.air.datagrams import Datagram
from coordinator.radio.air.endpoint import Address, Endpoint
from coordinator.radio.air.guest import ADMISSION, AGAIN, AirRadio, Loss
from coordinator.radio.air.hub import Hub, Notes
from coordinator.radio.air.url import AirUrl
from coordinator.radio.base import Radio
from coordinator.radio.clock import LoopClock
from coordinator.radio.errors import RadioUnavailable
from coordinator.radio.simulated import SimulatedAir
from coordinator.sim.air import MediumConfig
from coordinator.types import Entropy

ATTEMPTS = 3
"""How often the host may vanish between our not getting its port and our asking for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Air:
    """An open air. `clock` is the session's (`runtime.driver.Clock`); `radio` makes a radio of a name that
    nobody else has. `hub` is None where another process hosts, and only then may `loss` happen.
    """

    url: AirUrl
    clock: SimulatedAir | LoopClock
    radio: Callable[[str], Radio]
    loss: Loss
    hub: Hub | None = None


@contextlib.asynccontextmanager
async def open_air(url: AirUrl, entropy: Entropy, config: MediumConfig | None = None) -> AsyncIterator[Air]:
    """Host the air if nobody does, else join it. Raises RadioUnavailable.

    `entropy` and `config` are those of the world and its medium, and mean something to a host only.
    """
    for _ in range(ATTEMPTS):
        hub = _host(url, entropy, config)
        if hub is not None:
            try:
                yield Air(url=hub.url, clock=hub.air, radio=hub.radio, loss=Loss(), hub=hub)
            finally:
                hub.close()
            return
        clock = await find(url)
        if clock is not None:
            loss = Loss()
            yield Air(url=url, clock=clock, radio=partial(_join, url, loss), loss=loss)
            return
    raise RadioUnavailable(f"{url}: its host comes and goes")


def _join(url: AirUrl, loss: Loss, name: str) -> AirRadio:
    return AirRadio(url, name, loss)


@contextlib.asynccontextmanager
async def host_air(
    url: AirUrl, entropy: Entropy, config: MediumConfig | None = None, note: Notes | None = None
) -> AsyncIterator[Hub]:
    """Host the air, or raise RadioUnavailable when that cannot be."""
    hub = _host(url, entropy, config, note)
    if hub is None:
        held = "an air is there already" if await find(url) is not None else "the port is in use"
        raise RadioUnavailable(f"{url}: {held}")
    try:
        yield hub
    finally:
        hub.close()


def _host(
    url: AirUrl, entropy: Entropy, config: MediumConfig | None, note: Notes | None = None
) -> Hub | None:
    """Host the air; None when the port is in use."""
    try:
        return Hub(url, entropy, config, note)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return None
        raise RadioUnavailable(f"{url}: {error.strerror or error}") from None


async def find(url: AirUrl) -> LoopClock | None:
    """The clock of the air that another process hosts; None when nobody has the port.

    Raises RadioUnavailable when who has it is no air, or one of another version.
    """
    finder = _Finder(url)
    try:
        return await finder.ask()
    finally:
        finder.endpoint.close()


class _Finder:
    """Asks until something is known."""

    def __init__(self, url: AirUrl) -> None:
        self._url = url
        self._session = secrets.randbits(32)
        self._known = asyncio.Event()
        self._clock: LoopClock | None = None
        self._nobody = False
        self._version: int | None = None
        self.endpoint = Endpoint(url, self._take, self._find_nobody)

    async def ask(self) -> LoopClock | None:
        probe = datagrams.encode(Datagram(self._session, datagrams.UNCOUNTED, messages.Probe()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ADMISSION):
                while not self._known.is_set():
                    self.endpoint.send(probe)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(AGAIN):
                            await self._known.wait()
        if self._version is not None:
            raise RadioUnavailable(
                f"{self._url}: that air speaks version {self._version}, this is version {datagrams.VERSION}"
            )
        if self._clock is None and not self._nobody:
            raise RadioUnavailable(f"{self._url}: the port is in use by something that is not an air")
        return self._clock

    def _take(self, octets: bytes, _address: Address) -> None:
        self._version = datagrams.foreign_version(octets)
        if self._version is not None:
            self._known.set()
            return
        try:
            datagram = datagrams.decode(octets)
        except DecodeError:
            return
        if datagram.session == self._session and isinstance(datagram.message, messages.Present):
            self._clock = LoopClock(datagram.message.now)
            self._known.set()

    def _find_nobody(self) -> None:
        self._nobody = True
        self._known.set()
