"""The host of an air: the simulated world, and a radio in it for every guest.

A guest is the remote host of a radio here, as a computer is of a USB stick: what it asks for reaches its
radio when the datagram comes, and all that follows on the air is exact in the world's microseconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from coordinator.codec.cursor import DecodeError
from coordinator.radio.air import datagrams, messages
from coordinator.radio.air.conversation import KEEP_ALIVE, Conversation
from coordinator.radio.air.datagrams import Datagram
from coordinator.radio.air.endpoint import Address, Endpoint
from coordinator.radio.air.messages import Alive, Bye, Code, Confirmed, Counted, Scanned
from coordinator.radio.air.url import AirUrl
from coordinator.radio.errors import RadioUnavailable
from coordinator.radio.simulated import AiredRadio, SimulatedAir, perform
from coordinator.sim.air import MediumConfig
from coordinator.sim.radio import SimulatedRadio
from coordinator.stack.node import ReceivedFrame, ReceiverOn, SetPending, Transmit, TransmitStatus, Tune
from coordinator.types import MILLISECOND, SECOND, Duration, Entropy, Instant

MAX_GUESTS = 64
CLAIMABLE: Duration = 1_500 * MILLISECOND
"""A guest silent for so long loses its name to whoever claims it: it was killed and is back."""
MAX_SCAN: Duration = 60 * SECOND
_BACKLOG = 4_096
"""Datagrams read before anyone is called silent: it may have been us who did not listen."""


@dataclass(frozen=True, slots=True)
class Attendance:
    """Someone came on the air or left it, and why."""

    at: Instant
    name: str
    present: bool
    reason: str


Notes = Callable[[Attendance], None]


class _Guest:
    """A remote host and its radio."""

    def __init__(self, name: str, address: Address, conversation: Conversation, air: SimulatedAir) -> None:
        self.name = name
        self.address = address
        self.conversation = conversation
        self.radio = SimulatedRadio(air.world, air.medium, name)
        self.transmitting = False
        self.scanning = False


class Hub:
    """Serves guests from construction to `close`. Raises OSError when the port is not to be had.

    `ignored` counts the datagrams that were none, or of no session here.
    """

    def __init__(
        self, url: AirUrl, entropy: Entropy, config: MediumConfig | None = None, note: Notes | None = None
    ) -> None:
        self._endpoint = Endpoint(url, self._take, listen=True)
        self._note = note
        self._guests: dict[Address, _Guest] = {}
        self._names: set[str] = set()
        self._loop = asyncio.get_running_loop()
        self._ticking: asyncio.TimerHandle | None = None
        self.air = SimulatedAir(entropy, config)
        self.url = self._endpoint.url
        self.ignored = 0
        self._tick()

    @property
    def guests(self) -> tuple[str, ...]:
        """Who is on the air from other processes."""
        return tuple(guest.name for guest in self._guests.values())

    def radio(self, name: str) -> AiredRadio:
        """A radio for this process. Raises RadioUnavailable when its name is taken."""
        if self._is_taken(name):
            raise RadioUnavailable(f"{self.url}: the name '{name}' is taken on this air")
        self._names.add(name)
        return self.air.radio(name)

    def close(self, reason: str = "its host has ended") -> None:
        """Say goodbye to all, give the port back, and let time stand still."""
        if self._ticking is not None:
            self._ticking.cancel()
        for guest in tuple(self._guests.values()):
            self._dismiss(guest, reason)
        self._endpoint.close()
        self.air.stop()

    def _is_taken(self, name: str) -> bool:
        return name in self._names or any(guest.name == name for guest in self._guests.values())

    # What comes in

    def _take(self, octets: bytes, address: Address) -> None:
        try:
            datagram = datagrams.decode(octets)
        except DecodeError:
            self.ignored += 1
            if datagrams.foreign_version(octets) is not None and datagrams.asks(octets):
                reason = f"this air speaks version {datagrams.VERSION}"
                self._reply(address, 0, messages.Refused(Code.VERSION, reason))
            return
        guest = self._guests.get(address)
        if guest is not None and guest.conversation.session == datagram.session:
            self._serve(guest, datagram)
            return
        match datagram.message:
            case messages.Probe():
                self._reply(address, datagram.session, messages.Present(self.air.now()))
            case messages.Hello(name):
                if guest is not None:
                    self._dismiss(guest, "came anew")
                self._admit(name, address, datagram.session)
            case Alive() | Transmit() | SetPending() | Tune() | ReceiverOn() | messages.EnergyScan():
                self.ignored += 1
                self._reply(address, datagram.session, Bye("its host knows no such guest"))
            case _:
                self.ignored += 1

    def _reply(self, address: Address, session: int, message: messages.Uncounted) -> None:
        self._endpoint.send(datagrams.encode(Datagram(session, datagrams.UNCOUNTED, message)), address)

    def _admit(self, name: str, address: Address, session: int) -> None:
        self._let_go_of(name)
        if self._is_taken(name):
            reason = f"the name '{name[:64]}' is taken on this air"
            self._reply(address, session, messages.Refused(Code.NAME_TAKEN, reason))
        elif len(self._guests) >= MAX_GUESTS:
            reason = f"{MAX_GUESTS} guests are on this air already"
            self._reply(address, session, messages.Refused(Code.FULL, reason))
        else:
            guest = _Guest(name, address, Conversation(session, self._now(), "this guest"), self.air)
            self._guests[address] = guest
            guest.radio.on_frame = partial(self._tell, guest)
            guest.radio.on_confirm = partial(self._confirm, guest)
            self.air.at_once(partial(guest.radio.power, True))
            self._reply(address, session, messages.Welcome(self.air.now()))
            self._remark(guest, present=True, reason="")

    def _let_go_of(self, name: str) -> None:
        """A guest of this name that has missed three keep-alives makes room for the one that is there."""
        for guest in tuple(self._guests.values()):
            if guest.name == name and self._now() - guest.conversation.heard_at > CLAIMABLE:
                self._dismiss(guest, "another took its name")

    def _serve(self, guest: _Guest, datagram: Datagram) -> None:
        match datagram.message:
            case messages.Hello():
                self._reply(guest.address, datagram.session, messages.Welcome(self.air.now()))
            case Bye(reason):
                self._forget(guest, reason)
            case _:
                for message in guest.conversation.hear(datagram, self._now()):
                    if not self._obey(guest, message):
                        return

    def _obey(self, guest: _Guest, message: Counted) -> bool:
        """Do what a guest asks of its radio. False when it asks what no host may, and is dismissed."""
        match message:
            case Transmit():
                if guest.transmitting:
                    self._dismiss(guest, "asked for a second transmission while one was outstanding")
                    return False
                guest.transmitting = True
                self.air.at_once(partial(perform, message, guest.radio))
            case SetPending() | Tune() | ReceiverOn():
                self.air.at_once(partial(perform, message, guest.radio))
            case messages.EnergyScan(channel, span):
                if guest.scanning or span > MAX_SCAN:
                    self._dismiss(guest, "asked for an energy scan too many or too long")
                    return False
                guest.scanning = True
                scan = partial(guest.radio.energy_scan, channel, span, partial(self._scanned, guest))
                self.air.at_once(partial(_if_powered, guest.radio, scan))
            case Alive():
                pass
            case _:
                self._dismiss(guest, "said what only a host says")
                return False
        return True

    # What goes out

    def _tell(self, guest: _Guest, frame: ReceivedFrame) -> None:
        self._endpoint.send(guest.conversation.say(frame), guest.address)

    def _confirm(self, guest: _Guest, handle: int, status: TransmitStatus, frame_pending: bool) -> None:
        guest.transmitting = False
        self._endpoint.send(guest.conversation.say(Confirmed(handle, status, frame_pending)), guest.address)

    def _scanned(self, guest: _Guest, peak: int) -> None:
        guest.scanning = False
        self._endpoint.send(guest.conversation.say(Scanned(peak)), guest.address)

    # Who is there

    def _tick(self) -> None:
        self._ticking = self._loop.call_later(KEEP_ALIVE / SECOND, self._tick)
        self._endpoint.read(_BACKLOG)
        now = self._now()
        for guest in tuple(self._guests.values()):
            fault = guest.conversation.fault(now)
            if fault is not None:
                self._dismiss(guest, fault)
            else:
                self._endpoint.send(guest.conversation.say(Alive()), guest.address)

    def _dismiss(self, guest: _Guest, reason: str) -> None:
        self._endpoint.send(guest.conversation.bye(reason), guest.address)
        self._forget(guest, reason)

    def _forget(self, guest: _Guest, reason: str) -> None:
        del self._guests[guest.address]
        self.air.at_once(partial(guest.radio.power, False))
        self._remark(guest, present=False, reason=reason)

    def _remark(self, guest: _Guest, *, present: bool, reason: str) -> None:
        if self._note is not None:
            self._note(Attendance(self.air.now(), guest.name, present, reason))

    def _now(self) -> Instant:
        return Instant(round(self._loop.time() * SECOND))


def _if_powered(radio: SimulatedRadio, call: Callable[[], None]) -> None:
    if radio.powered:
        call()
