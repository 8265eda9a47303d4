"""The air: who hears whom, what is on it now, and what is lost.

A frame costs the medium one event, at its end. A transmission is announced before it begins
(a radio needs its turnaround first), so what overlaps it is known by then, and whether a receiver
was listening all the time is two comparisons with the span it listens in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from coordinator.codec import cursor, mac
from coordinator.sim.air import CCA_TIME, AirFrame, Link, MediumConfig, Station, Transmission, airtime
from coordinator.sim.directory import Directory
from coordinator.sim.world import World
from coordinator.types import Eui64, Instant, NwkAddress

_CERTAIN = 1_000_000
_BROADCAST = 0xFFFF


class Medium:
    """The air between radios on the sixteen channels.

    All radios on a channel hear each other as `config.link` says; `connect` and `separate` say
    otherwise for one direction between two names, and outlive the radios' power cycles.
    """

    def __init__(self, world: World, config: MediumConfig | None = None) -> None:
        self.world = world
        self.config = config if config is not None else MediumConfig()
        self._stations: dict[Station, None] = {}
        self._directory: Directory[Station] = Directory()
        self._awaiting: dict[Station, None] = {}
        self._on_air: list[Transmission] = []
        self._links: dict[tuple[str, str], Link | None] = {}
        self._observers: tuple[Callable[[AirFrame], None], ...] = ()
        self._plain = self._is_plain()

    def attach(self, station: Station) -> None:
        """Put a radio on the air, under the addresses it has now."""
        self._stations[station] = None
        self._directory.enter(station)

    def detach(self, station: Station) -> None:
        """Take a radio off the air, its unfinished transmissions too; nothing here knows it any more."""
        del self._stations[station]
        self._directory.leave(station)
        self._awaiting.pop(station, None)
        for transmission in self._on_air:
            if transmission.station is station and transmission.event is not None:
                transmission.event.cancel()
        self._on_air = [entry for entry in self._on_air if entry.station is not station]

    def readdress(self, station: Station, address: NwkAddress, extended_address: Eui64) -> None:
        """Give an attached radio new addresses."""
        if address == station.address and extended_address == station.extended_address:
            return
        self._directory.leave(station)
        station.address = address
        station.extended_address = extended_address
        self._directory.enter(station)

    def await_ack(self, station: Station, waits: bool) -> None:
        """Hand ACKs on the radio's channel to it, or no longer."""
        if waits:
            self._awaiting[station] = None
        else:
            self._awaiting.pop(station, None)

    def connect(self, transmitter: str, receiver: str, link: Link) -> None:
        """Say how `receiver` hears `transmitter`, this direction only."""
        self._links[transmitter, receiver] = link
        self._plain = self._is_plain()

    def separate(self, transmitter: str, receiver: str) -> None:
        """Put `receiver` out of the range of `transmitter`, this direction only: hidden to CCA too."""
        self._links[transmitter, receiver] = None
        self._plain = self._is_plain()

    def restore(self, transmitter: str, receiver: str) -> None:
        """Return to `config.link` in this direction."""
        self._links.pop((transmitter, receiver), None)
        self._plain = self._is_plain()

    def observe(self, callback: Callable[[AirFrame], None]) -> Callable[[], None]:
        """Show every whole frame to `callback` as it ends, before anyone reacts to it. The call
        returned ends that.
        """
        self._observers += (callback,)

        def stop() -> None:
            self._observers = tuple(other for other in self._observers if other is not callback)

        return stop

    def transmit(self, station: Station, psdu: bytes, start: Instant, handle: int | None) -> Transmission:
        """Occupy the air from `start`, which is now or later; the station hears of the end by `sent`."""
        end = Instant(start + airtime(psdu))
        transmission = Transmission(station, psdu, start, end, handle)
        forgotten = self.world.now - CCA_TIME
        on_air = [entry for entry in self._on_air if entry.end > forgotten]
        if self.config.collisions:
            for other in on_air:
                if other.channel == transmission.channel and start < other.end and other.start < end:
                    _overlap(transmission, other)
        on_air.append(transmission)
        self._on_air = on_air
        transmission.event = self.world.at(end, partial(self._land, transmission))
        return transmission

    def busy(self, station: Station) -> bool:
        """Clear channel assessment over the CCA_TIME that ends now: true when it found a carrier."""
        now = self.world.now
        opened = now - CCA_TIME
        for entry in self._on_air:
            if (
                entry.start <= now
                and entry.end > opened
                and entry.channel == station.channel
                and entry.station is not station
                and (self._plain or self._link(entry.station, station) is not None)
            ):
                return True
        return False

    def _land(self, transmission: Transmission) -> None:
        """The last symbol of a transmission: show it, deliver it, tell its sender."""
        transmission.event = None
        psdu = transmission.psdu
        if self._observers:
            self._show(transmission)
        if mac.is_ack(psdu):
            self._deliver_ack(transmission)
        else:
            self._deliver(transmission)
        transmission.overlaps = None
        sender = transmission.station
        if sender in self._stations:
            sender.sent(transmission)

    def _show(self, transmission: Transmission) -> None:
        link = self.config.link
        frame = AirFrame(
            transmission.start,
            transmission.end,
            transmission.channel,
            transmission.psdu,
            transmission.station.name,
            transmission.handle,
            link.rssi,
            link.lqi,
        )
        for callback in self._observers:
            callback(frame)

    def _deliver(self, transmission: Transmission) -> None:
        """Hand the frame to each radio that heard it and whose filter accepts it. Decoded once; for a
        unicast frame only the radios that have the address are looked at.
        """
        psdu = transmission.psdu
        try:
            frame = mac.decode(psdu)
        except cursor.DecodeError:
            return
        destination = frame.destination
        known: Iterable[Station] | None
        if destination is None or destination == _BROADCAST:
            known = self._stations
        elif frame.destination_mode == mac.AddressMode.SHORT:
            known = self._directory.short.get(destination)
        else:
            known = self._directory.extended.get(destination)
        if not known:
            return
        link = self.config.link
        plain = self._plain
        channel, start, end = transmission.channel, transmission.start, transmission.end
        for station in tuple(known):
            if station.channel != channel or not station.accepts(frame):
                continue
            if not plain:
                self._deliver_by_link(transmission, station, frame)
            elif station.hears_from <= start and end <= station.hears_until:
                station.heard(psdu, frame, link.rssi, link.lqi)

    def _deliver_ack(self, transmission: Transmission) -> None:
        """Hand an ACK, which names nobody, to every radio on the channel that waits for one."""
        for station in tuple(self._awaiting):
            if station.channel != transmission.channel:
                continue
            if not self._plain:
                self._deliver_by_link(transmission, station, None)
            elif station.hears_from <= transmission.start and transmission.end <= station.hears_until:
                station.heard_ack(transmission.psdu)

    def _deliver_by_link(self, transmission: Transmission, station: Station, frame: mac.Frame | None) -> None:
        """The same where links differ and frames get lost, arrive late or collide. No frame: an ACK."""
        if station is transmission.station:
            return
        link = self._link(transmission.station, station)
        if link is None or self._collided(transmission, station) or self._lost(link):
            return
        start = Instant(transmission.start + link.delay)
        end = Instant(transmission.end + link.delay)
        arrive = partial(self._arrive, station, transmission.psdu, frame, link, start, end)
        if link.delay:
            self.world.at(end, arrive)
        else:
            arrive()

    def _arrive(
        self, station: Station, psdu: bytes, frame: mac.Frame | None, link: Link, start: Instant, end: Instant
    ) -> None:
        if start < station.hears_from or station.hears_until < end:
            return
        if frame is not None:
            station.heard(psdu, frame, link.rssi, link.lqi)
        elif station in self._awaiting:
            station.heard_ack(psdu)

    def _is_plain(self) -> bool:
        """True when every radio on a channel hears every frame alike, at once and surely."""
        link = self.config.link
        return not (self._links or link.loss or link.delay or self.config.collisions)

    def _link(self, transmitter: Station, receiver: Station) -> Link | None:
        return self._links.get((transmitter.name, receiver.name), self.config.link)

    def _lost(self, link: Link) -> bool:
        if not link.loss:
            return False
        return self.world.entropy.integer(0, _CERTAIN - 1) < round(link.loss * _CERTAIN)

    def _collided(self, transmission: Transmission, station: Station) -> bool:
        """True when another frame that reaches the station overlapped this one. The same octets at
        the same instant (two radios with one address, both acknowledging) do no harm.
        """
        for other in transmission.overlaps or ():
            same = other.start == transmission.start and other.psdu == transmission.psdu
            if not same and other.station is not station and self._link(other.station, station) is not None:
                return True
        return False


def _overlap(one: Transmission, other: Transmission) -> None:
    for first, second in ((one, other), (other, one)):
        if first.overlaps is None:
            first.overlaps = []
        first.overlaps.append(second)
