"""A bench for the simulated air: entropy with a seed, radios with a log, frames as octets."""

from __future__ import annotations

import random
from collections.abc import Callable

from coordinator.sim.air import AirFrame, MediumConfig
from coordinator.sim.medium import Medium
from coordinator.sim.radio import FRAME_WAIT, SimulatedRadio
from coordinator.sim.world import World
from coordinator.stack.node import ReceivedFrame, Transmit, TransmitStatus, Tune
from coordinator.types import Channel, Entropy, Eui64, Instant, NwkAddress, PanId

PAN = PanId(0x1A62)
CHANNEL = Channel(15)
BEACON_REQUEST = bytes.fromhex("030864ffffffff07")


class SeededEntropy:
    """Random, the same for the same seed. Counts its draws."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.draws = 0

    def octets(self, count: int) -> bytes:
        self.draws += 1
        return self._random.randbytes(count)

    def integer(self, low: int, high: int) -> int:
        self.draws += 1
        return self._random.randint(low, high)


class LowEntropy:
    """Always the least number: every backoff is over at once."""

    def octets(self, count: int) -> bytes:
        return bytes(count)

    def integer(self, low: int, high: int) -> int:
        return low


class ScriptedEntropy:
    """The numbers of a list, one after another; remembers the bounds that were asked for."""

    def __init__(self, *numbers: int) -> None:
        self._numbers = list(numbers)
        self.bounds: list[tuple[int, int]] = []

    def octets(self, count: int) -> bytes:
        raise AssertionError("nobody here draws octets")

    def integer(self, low: int, high: int) -> int:
        self.bounds.append((low, high))
        number = self._numbers.pop(0)
        assert low <= number <= high
        return number


class Host:
    """A host without a stack: one radio, and what it said when."""

    def __init__(self, world: World, medium: Medium, name: str, frame_wait: int = FRAME_WAIT) -> None:
        self.world = world
        self.radio = SimulatedRadio(world, medium, name, frame_wait=frame_wait)
        self.received: list[tuple[int, ReceivedFrame]] = []
        self.confirmed: list[tuple[int, int, TransmitStatus, bool]] = []
        self.radio.on_frame = lambda frame: self.received.append((world.now, frame))
        self.radio.on_confirm = lambda handle, status, pending: self.confirmed.append(
            (world.now, handle, status, pending)
        )

    @property
    def psdus(self) -> list[bytes]:
        return [frame.psdu for _, frame in self.received]

    @property
    def statuses(self) -> list[TransmitStatus]:
        return [status for _, _, status, _ in self.confirmed]

    def send(self, psdu: bytes, *, handle: int = 1, csma: bool = True, retries: int = 3) -> None:
        self.radio.transmit(Transmit(handle=handle, psdu=psdu, csma=csma, retries=retries))


class Bench:
    """A world, its air, and everything that was on it."""

    def __init__(self, entropy: Entropy, config: MediumConfig | None = None) -> None:
        self.world = World(entropy)
        self.medium = Medium(self.world, config)
        self.seen: list[AirFrame] = []
        self.stop_watching: Callable[[], None] = self.medium.observe(self.seen.append)

    def host(
        self, name: str, address: int, *, pan: int = PAN, channel: int = CHANNEL, frame_wait: int = FRAME_WAIT
    ) -> Host:
        host = Host(self.world, self.medium, name, frame_wait)
        host.radio.power(True)
        host.radio.tune(tuning(address, pan=pan, channel=channel))
        return host

    def run(self, span: int = 1_000_000) -> None:
        self.world.run_until(Instant(self.world.now + span))

    @property
    def senders(self) -> list[tuple[str, int, int]]:
        return [(frame.transmitter, frame.start, frame.end) for frame in self.seen]


def extended(address: int) -> Eui64:
    return Eui64(0x00124B0000000000 + address)


def tuning(address: int, *, pan: int = PAN, channel: int = CHANNEL) -> Tune:
    return Tune(
        channel=Channel(channel),
        pan_id=PanId(pan),
        address=NwkAddress(address),
        extended_address=extended(address),
    )


def data(destination: int, source: int, *, sequence: int = 7, payload: bytes = b"", pan: int = PAN) -> bytes:
    """A data frame that asks for an ACK: 0x8861, or 0x8841 to everyone."""
    control = b"\x41\x88" if destination == 0xFFFF else b"\x61\x88"
    addresses = (number.to_bytes(2, "little") for number in (pan, destination, source))
    return control + bytes([sequence]) + b"".join(addresses) + payload


def data_request(destination: int, source: int, *, sequence: int = 9) -> bytes:
    """A poll between short addresses, 0x8863."""
    addresses = (number.to_bytes(2, "little") for number in (PAN, destination, source))
    return b"\x63\x88" + bytes([sequence]) + b"".join(addresses) + b"\x04"


def a_pair() -> tuple[Bench, Host, Host]:
    """A coordinator and a child that hear each other; nobody backs off."""
    bench = Bench(LowEntropy())
    return bench, bench.host("parent", 0x0000), bench.host("child", 0x1234)
