"""Whatever the air brings: no exception, no table without bounds, no answer to a stranger."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coordinator import trace
from coordinator.codec import aps, aps_commands, mac, nwk
from coordinator.codec.security_header import KeyIdentifier
from coordinator.stack.broadcast import CAPACITY as BROADCASTS
from coordinator.stack.duplicates import CAPACITY as DUPLICATES
from coordinator.stack.indirect import CAPACITY as HELD
from coordinator.stack.mac import DUPLICATE_CAPACITY
from coordinator.stack.mlme import APPLICANTS
from coordinator.stack.node import Transmit, TransmitStatus
from coordinator.types import GLOBAL_LINK_KEY, SECOND, DeviceType, Eui64, Instant
from tests.stack.bench import Desk, formed, member
from tests.stack.peer import DEVICE, PAN, SLEEPY

ADDRESSES = st.sampled_from([0x0000, 0x1234, 0xFFFF, 0xFFFD, 0xFFFC])
CONTROLS = st.sampled_from([0x8841, 0x8861, 0x8863, 0xC863, 0xC823, 0xCC63, 0x8000, 0x0803, 0x8871])
LEVEL_BITS = range(64, 67)
"""The security level of the auxiliary header: overwritten before anything is checked (protocol.md 1.3)."""
HASTE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def psdus(draw: st.DrawFn) -> bytes:
    """Octets that are a MAC frame to us often enough, with anything behind the header."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=130))
    header = draw(CONTROLS).to_bytes(2, "little") + draw(st.binary(min_size=1, max_size=1))
    destination, source = draw(ADDRESSES).to_bytes(2, "little"), draw(ADDRESSES).to_bytes(2, "little")
    return header + PAN.to_bytes(2, "little") + destination + source + draw(st.binary(max_size=110))


def bounded(desk: Desk) -> None:
    """Assert that every table keeps its bounds."""
    host = desk.host
    assert len(host.mac.indirect) <= HELD
    assert len(host.mac.outbox) <= 257
    assert len(host.mac._last) <= DUPLICATE_CAPACITY
    assert len(host.nwk.broadcasts.table) <= BROADCASTS
    assert len(host.nwk.neighbors) <= host.nwk.neighbors.capacity
    assert len(host.nwk.addresses) <= 4 * host.nwk.neighbors.capacity
    assert len(host.aps.duplicates) <= DUPLICATES
    assert len(host._mlme._applicants) <= APPLICANTS


def every_drop_has_a_reason(desk: Desk) -> None:
    for record in desk.noted(trace.Dropped):
        assert record.layer
        assert record.reason


class TestStrangers:
    @HASTE
    @given(st.lists(psdus(), max_size=20))
    def test_arbitrary_octets_do_no_harm_to_a_coordinator(self, heard: list[bytes]) -> None:
        desk = formed()
        member(desk)
        member(desk, Eui64(2), SLEEPY)
        for psdu in heard:
            desk.hear(psdu, promised=True)
        desk.run(20 * SECOND)
        bounded(desk)
        every_drop_has_a_reason(desk)

    @HASTE
    @given(st.lists(psdus(), max_size=20), st.sampled_from([0x8E, 0x8C, 0x80]))
    def test_nor_to_a_device_that_has_no_network(self, heard: list[bytes], capability: int) -> None:
        desk = Desk(
            DeviceType.ROUTER if capability & 2 else DeviceType.END_DEVICE,
            capability=capability,
            eui64=DEVICE,
        )
        for psdu in heard:
            desk.hear(psdu)
        desk.run(20 * SECOND)
        assert desk.sent == []
        every_drop_has_a_reason(desk)

    @HASTE
    @given(st.lists(psdus(), max_size=20))
    def test_who_has_no_key_makes_a_coordinator_protect_nothing(self, heard: list[bytes]) -> None:
        desk = formed()
        member(desk)
        for psdu in heard:
            desk.hear(psdu)
        for frame in desk.frames:
            assert frame.type is not mac.FrameType.DATA

    @HASTE
    @given(
        st.lists(st.tuples(st.integers(-3, 300), st.sampled_from(TransmitStatus), st.booleans()), max_size=30)
    )
    def test_stale_and_wrong_confirmations_change_nothing(
        self, confirmations: list[tuple[int, TransmitStatus, bool]]
    ) -> None:
        desk = formed()
        peer = member(desk)
        desk.acknowledges = False
        desk.hear(peer.data())
        outstanding = desk.asked(Transmit)[-1].handle
        for handle, status, pending in confirmations:
            if handle != outstanding:
                desk.host.confirm(handle, status, pending, desk.now)
                desk.settle()
        assert len(desk.asked(Transmit)) == 1
        assert desk.noted(trace.Confirmed) == []

    @HASTE
    @given(st.lists(st.integers(0, 60 * SECOND), max_size=30))
    def test_a_timeout_may_come_at_any_time(self, instants: list[int]) -> None:
        desk = formed()
        for instant in sorted(instants):
            desk.now = Instant(instant)
            desk.host.handle_timeout(desk.now)
            desk.settle()
            deadline = desk.host.next_deadline()
            assert deadline is not None
            assert deadline > instant


class TestMembers:
    """Who has the network key, and the global link key, may say anything too."""

    @HASTE
    @given(
        st.lists(st.tuples(st.binary(max_size=70), st.booleans(), ADDRESSES, st.integers(0, 30)), max_size=15)
    )
    def test_any_nwk_payload_is_survived(self, said: list[tuple[bytes, bool, int, int]]) -> None:
        desk = formed()
        peer = member(desk)
        for payload, command, destination, radius in said:
            octets = peer.nwk_octets(payload, destination, command=command, radius=radius)
            desk.hear(peer.frame(octets, 0xFFFF if destination >= 0xFFF8 else 0))
        desk.run(20 * SECOND)
        bounded(desk)
        every_drop_has_a_reason(desk)

    @HASTE
    @given(st.lists(st.tuples(st.integers(1, 15), st.binary(max_size=50)), max_size=15))
    def test_any_nwk_command_is_survived(self, said: list[tuple[int, bytes]]) -> None:
        desk = formed()
        peer = member(desk)
        for identifier, rest in said:
            octets = peer.nwk_octets(bytes((identifier,)) + rest, command=True, source_ieee=peer.eui64)
            desk.hear(peer.frame(octets))
        desk.run(20 * SECOND)
        bounded(desk)

    @HASTE
    @given(
        st.lists(
            st.tuples(
                st.integers(4, 18),
                st.binary(max_size=50),
                st.sampled_from(
                    [None, KeyIdentifier.DATA, KeyIdentifier.KEY_TRANSPORT, KeyIdentifier.KEY_LOAD]
                ),
                st.booleans(),
            ),
            max_size=15,
        )
    )
    def test_any_aps_command_is_survived(
        self, said: list[tuple[int, bytes, KeyIdentifier | None, bool]]
    ) -> None:
        desk = formed()
        peer = member(desk)
        for identifier, rest, protection, ack in said:
            command = aps_commands.UnknownCommand(identifier=identifier, octets=rest)
            apdu = peer.aps_command(command, protection=protection, key=GLOBAL_LINK_KEY, ack=ack)
            desk.hear(peer.frame(peer.nwk_octets(apdu)))
        desk.run(20 * SECOND)
        bounded(desk)
        every_drop_has_a_reason(desk)

    @HASTE
    @given(st.lists(st.tuples(st.integers(0, 0x40), st.booleans(), st.binary(max_size=50)), max_size=15))
    def test_any_zdp_message_is_survived(self, said: list[tuple[int, bool, bytes]]) -> None:
        desk = formed()
        peer = member(desk)
        for cluster, response, asdu in said:
            desk.hear(peer.data(asdu, cluster=cluster | response << 15, profile=0, endpoint=0))
        desk.run(20 * SECOND)
        bounded(desk)
        every_drop_has_a_reason(desk)

    @HASTE
    @given(st.integers(0, 255), st.binary(max_size=60))
    def test_any_aps_frame_control_is_survived(self, frame_control: int, rest: bytes) -> None:
        desk = formed()
        peer = member(desk)
        desk.hear(peer.frame(peer.nwk_octets(bytes((frame_control,)) + rest)))
        assert all(frame.type in (aps.FrameType.ACK, aps.FrameType.DATA) for frame in desk.apdus())

    @HASTE
    @given(st.data())
    def test_one_flipped_bit_of_a_secured_frame_is_never_believed(self, data: st.DataObject) -> None:
        desk = formed()
        peer = member(desk)
        octets = bytearray(peer.nwk_octets(peer.apdu(ack=False)))
        bit = data.draw(st.integers(0, 8 * len(octets) - 1).filter(lambda bit: bit not in LEVEL_BITS))
        octets[bit // 8] ^= 1 << bit % 8
        counters = dict(getattr(desk.host.network_keys.active, "incoming", {}))
        desk.hear(peer.frame(bytes(octets)))
        assert desk.application.indications == []
        assert getattr(desk.host.network_keys.active, "incoming", {}) == counters
        assert len(desk.dropped) == 1 or nwk.decode(bytes(octets)).security is None
