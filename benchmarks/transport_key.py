"""The Trust Center alone: two PSDUs of a joiner in, the Transport-Key PSDU out; no air, no joiner."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.measurement import SEED, Effort, Measurement, per_second
from coordinator.codec import mac, mac_commands
from coordinator.composition import Setting, TrustCenterNode
from coordinator.entropy import SeededEntropy
from coordinator.profiles import load
from coordinator.profiles.profile import Profile
from coordinator.stack.mac import ASSOCIATION_REQUEST, POLL_EXTENDED
from coordinator.stack.node import ReceivedFrame, Transmit, TransmitStatus
from coordinator.trace import Record
from coordinator.types import BROADCAST_PAN, COORDINATOR, MILLISECOND, SECOND, Eui64, Instant

DEVICES = 64
"""They take turns: a device that associates again begins anew, and the tables are as full as ever."""
CAPABILITY = 0x8E
STEP = 10 * MILLISECOND


class Desk:
    """A Trust Center that is given a joiner's frames by hand, 10 ms of its time a joiner."""

    def __init__(self, profile: Profile | None = None) -> None:
        self.records = 0
        entropy = SeededEntropy(SEED)
        setting = Setting(permit=1_000_000 * SECOND)
        self.center = TrustCenterNode(profile or load.load("zb3"), setting, entropy, self._note)
        self.center.start(Instant(0))
        self._now = Instant(0)
        self._turns = 0
        self._sequence = 0
        self._devices = [Eui64(0x00124B0000000000 + index) for index in range(DEVICES)]

    def _note(self, _record: Record) -> None:
        self.records += 1

    def join(self) -> bytes:
        """One association, up to the Transport-Key that follows the fetched response."""
        self._begin()
        self._hear(self._association_request(self._device))
        self._hear(self._data_request(self._device))
        self._turns += 1
        sent = self._transmitted()
        if len(sent) != 2:
            raise AssertionError(f"Association Response and Transport-Key were due, not {len(sent)} frames")
        return sent[-1]

    def apply_all(self, settled: Callable[[Instant], None] = lambda _: None) -> None:
        """Every device asks to associate."""
        for _ in self._devices:
            self._begin()
            self._hear(self._association_request(self._device))
            settled(self._now)
            self._turns += 1

    def fetch_all(self, settled: Callable[[Instant], None] = lambda _: None) -> None:
        """Every device fetches its response and with it the network key, in the same order."""
        self._turns -= DEVICES
        for _ in self._devices:
            self._begin()
            self._hear(self._data_request(self._device))
            sent = self._transmitted(settled)
            if len(sent) != 2:
                raise AssertionError(
                    f"Association Response and Transport-Key were due, not {len(sent)} frames"
                )
            self._turns += 1

    def round(self) -> None:
        """All devices once."""
        self.apply_all()
        self.fetch_all()

    def renew(self) -> None:
        """Other devices from now on; the ones before fall silent."""
        first = self._devices[-1] + 1
        self._devices = [Eui64(first + index) for index in range(DEVICES)]

    @property
    def _device(self) -> Eui64:
        return self._devices[self._turns % DEVICES]

    def _begin(self) -> None:
        """The next device's turn, and what is due until then."""
        self._now = Instant(self._now + STEP)
        self._sequence = (self._turns // DEVICES * 2) & 0xFE
        deadline = self.center.host.next_deadline()
        if deadline is not None and deadline <= self._now:
            self.center.host.handle_timeout(self._now)
            self._transmitted()

    def _hear(self, psdu: bytes) -> None:
        channel = self.center.network.channel
        self.center.host.receive(ReceivedFrame(psdu=psdu, channel=channel, rssi=-40, lqi=255), self._now)

    def _transmitted(self, settled: Callable[[Instant], None] = lambda _: None) -> list[bytes]:
        """Take each frame off the stack and acknowledge it, until there are no more."""
        host, sent = self.center.host, []
        while actions := host.take():
            settled(self._now)
            for action in actions:
                if isinstance(action, Transmit):
                    sent.append(action.psdu)
                    host.confirm(action.handle, TransmitStatus.SUCCESS, False, self._now)
        return sent

    def _association_request(self, device: Eui64) -> bytes:
        command = mac_commands.encode(mac_commands.AssociationRequest(capability=CAPABILITY))
        return self._from(device, ASSOCIATION_REQUEST, self._sequence, command)

    def _data_request(self, device: Eui64) -> bytes:
        command = mac_commands.encode(mac_commands.DataRequest())
        return self._from(device, POLL_EXTENDED, self._sequence + 1, command)

    def _from(self, device: Eui64, control: int, sequence: int, command: bytes) -> bytes:
        pan_id = self.center.network.pan_id
        source_pan = None if control & mac.PAN_ID_COMPRESSION else BROADCAST_PAN
        return mac.encode(mac.Frame(control, sequence, pan_id, COORDINATOR, source_pan, device, command))


def measure(effort: Effort) -> list[Measurement]:
    """How many joiners a second get as far as the network key."""
    desk = Desk()
    (rate,) = per_second(desk.join, effort=effort)
    return [
        Measurement(
            name="association to Transport-Key",
            value=rate,
            unit="joins/s",
            conditions=f"profile zb3, host stack alone, {DEVICES} routers in turn, records counted",
        )
    ]
