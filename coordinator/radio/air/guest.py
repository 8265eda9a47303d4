"""A radio on an air that another process hosts."""

from __future__ import annotations

import asyncio
import contextlib
import secrets

from coordinator.codec.cursor import DecodeError
from coordinator.radio.air import datagrams, messages
from coordinator.radio.air.conversation import KEEP_ALIVE, SILENCE, Conversation
from coordinator.radio.air.datagrams import Datagram
from coordinator.radio.air.endpoint import Address, Endpoint
from coordinator.radio.air.messages import Alive, Bye, Code, Confirmed, Counted, Scanned
from coordinator.radio.air.url import AirUrl
from coordinator.radio.base import Confirms, Hears
from coordinator.radio.errors import RadioLost, RadioUnavailable
from coordinator.radio.simulated import KIND
from coordinator.stack.node import Action, ReceivedFrame
from coordinator.types import SECOND, Channel, Duration, Instant

AGAIN = 0.1
"""Seconds between two askings of one question."""
ADMISSION = 2.5
"""Seconds in which a host answers; longer than a dead guest keeps its name from its successor."""
_BACKLOG = 4_096


class Loss:
    """Whether an air is lost to this process, and why. It happens once."""

    def __init__(self) -> None:
        self.happened = asyncio.Event()
        self.reason = ""

    def tell(self, reason: str) -> None:
        """The air is lost."""
        if not self.happened.is_set():
            self.reason = reason
            self.happened.set()


class AirRadio:
    """`Radio` on a remote air. Its `loss` happens when the host goes, or a datagram does.

    `start` raises RadioUnavailable or RadioLost. Closed, it may be started again: as after a reset.
    """

    def __init__(self, url: AirUrl, name: str, loss: Loss) -> None:
        self._url = url
        self._name = name
        self._loss = loss
        self._session: _Session | None = None

    @property
    def kind(self) -> str:
        """``sim``."""
        return KIND

    async def start(self, hears: Hears, confirms: Confirms) -> None:
        """Come on the air, within `ADMISSION` seconds or not at all."""
        await self.close()
        self._session = session = _Session(self._url, self._loss, hears, confirms)
        try:
            await session.enter(self._name)
        except BaseException:
            await self.close()
            raise

    def post(self, action: Action) -> None:
        """Ask the host; after a loss nothing more is done."""
        if self._session is not None:
            self._session.say(action)

    async def energy_scan(self, channel: Channel, span: Duration) -> int:
        """The peak RSSI in dBm. Raises RadioLost, and AssertionError while another scan runs."""
        if self._session is None:
            raise AssertionError(f"{self._name}: asked to scan before it was started")
        return await self._session.energy_scan(channel, span)

    async def close(self) -> None:
        """Say goodbye. Closing twice is harmless."""
        if self._session is not None:
            self._session.close()
            self._session = None


class _Session:
    """One stay on the air, from its Hello to its Bye."""

    def __init__(self, url: AirUrl, loss: Loss, hears: Hears, confirms: Confirms) -> None:
        self._loop = asyncio.get_running_loop()
        self._url = url
        self._loss = loss
        self._hears = hears
        self._confirms = confirms
        self._conversation = Conversation(secrets.randbits(32), self._now(), "its host")
        self._answered = asyncio.Event()
        self._refused: messages.Refused | None = None
        self._welcome = False
        self._failure = ""
        self._scan: asyncio.Future[int] | None = None
        self._ticking: asyncio.TimerHandle | None = None
        self._endpoint = Endpoint(url, self._take, self._find_nobody)

    async def enter(self, name: str) -> None:
        hello = datagrams.encode(
            Datagram(self._conversation.session, datagrams.UNCOUNTED, messages.Hello(name))
        )
        deadline = self._loop.time() + ADMISSION
        while not self._welcome:
            self._answered.clear()
            self._endpoint.send(hello)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AGAIN):
                    await self._answered.wait()
            if self._failure:
                raise RadioLost(self._failure)
            refused, late = self._refused, self._loop.time() > deadline
            if refused is not None and (late or refused.code is not Code.NAME_TAKEN):
                raise RadioUnavailable(f"{self._url}: {refused.reason}")
            if late and not self._welcome:
                raise RadioUnavailable(f"{self._url}: no answer in {ADMISSION:g} s")
            if refused is not None:
                await asyncio.sleep(AGAIN)
        self._tick()

    def say(self, message: Counted) -> None:
        self._endpoint.send(self._conversation.say(message))

    async def energy_scan(self, channel: Channel, span: Duration) -> int:
        if self._failure:
            raise RadioLost(self._failure)
        if self._scan is not None:
            raise AssertionError("asked for a second energy scan while one is running")
        self._scan = self._loop.create_future()
        self.say(messages.EnergyScan(channel, span))
        try:
            async with asyncio.timeout((span + SILENCE) / SECOND):
                return await asyncio.shield(self._scan)
        except TimeoutError:
            raise RadioLost(f"{self._url}: an energy scan did not end") from None

    def close(self) -> None:
        self._endpoint.send(self._conversation.bye("closed"))
        self._end()

    def _end(self) -> None:
        self._endpoint.close()
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None

    # What comes in

    def _take(self, octets: bytes, _address: Address) -> None:
        try:
            datagram = datagrams.decode(octets)
        except DecodeError:
            return  # not from the host: it alone speaks the session's number
        if datagram.session != self._conversation.session:
            return
        now = self._now()
        match datagram.message:
            case messages.Welcome():
                self._welcome, self._refused = True, None
                self._conversation.heard_at = now
                self._answered.set()
            case messages.Refused():
                if not self._welcome:
                    self._refused = datagram.message
                    self._answered.set()
            case Bye(reason):
                self._lose(reason)
            case _:
                for message in self._conversation.hear(datagram, now):
                    self._pass_on(message)

    def _pass_on(self, message: Counted) -> None:
        match message:
            case ReceivedFrame():
                self._hears(message)
            case Confirmed(handle, status, frame_pending):
                self._confirms(handle, status, frame_pending)
            case Scanned(peak):
                scan, self._scan = self._scan, None
                if scan is not None and not scan.done():
                    scan.set_result(peak)
            case _:
                pass  # Alive; a host asks for nothing

    # Whether it is still there

    def _tick(self) -> None:
        self._ticking = self._loop.call_later(KEEP_ALIVE / SECOND, self._tick)
        self._endpoint.read(_BACKLOG)
        fault = self._conversation.fault(self._now())
        if fault is not None:
            self._endpoint.send(self._conversation.bye(fault))
            self._lose(fault)
        elif not self._failure:
            self.say(Alive())

    def _find_nobody(self) -> None:
        self._lose("its host is gone")

    def _lose(self, reason: str) -> None:
        if self._failure:
            return
        self._failure = f"{self._url}: the air is lost: {reason}"
        self._end()
        self._answered.set()
        if self._scan is not None and not self._scan.done():
            self._scan.set_exception(RadioLost(self._failure))
        self._loss.tell(self._failure)

    def _now(self) -> Instant:
        return Instant(round(self._loop.time() * SECOND))
