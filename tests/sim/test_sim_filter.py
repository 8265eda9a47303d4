"""The address filter of a simulated radio: what reaches its host, and what it acknowledges."""

from __future__ import annotations

import pytest

from coordinator.stack.node import TransmitStatus
from tests.sim.bench import BEACON_REQUEST, Bench, Host, LowEntropy, a_pair, data, tuning

BEACON = bytes.fromhex("00800a621a0000ffcf0000002284") + bytes(12)
FOREIGN_BEACON = bytes.fromhex("00800aefbe0000ffcf0000002284") + bytes(12)


class TestFilter:
    """IEEE 802.15.4-2006, 7.5.6.2 (unverified), third level."""

    def heard(self, psdu: bytes, listener: Host, bench: Bench) -> bool:
        bench.host("speaker", 0x7777).send(psdu, retries=0)
        bench.run(50_000)
        return bool(listener.received)

    @pytest.mark.parametrize(
        ("psdu", "passes"),
        [
            (data(0x1234, 0x0000), True),
            (data(0x1235, 0x0000), False),
            (data(0xFFFF, 0x0000), True),
            (data(0x1234, 0x0000, pan=0x1A63), False),
            (data(0x1234, 0x0000, pan=0xFFFF), True),
            (data(0xFFFF, 0x0000, pan=0x1A63), False),
            (BEACON_REQUEST, True),
            (BEACON, True),
            (FOREIGN_BEACON, False),
            (bytes.fromhex("63cc01621a34120000004b1200ff00000000000000020000ff"), True),
            (bytes.fromhex("63cc01621a35120000004b1200ff00000000000000020000ff"), False),
            (bytes.fromhex("61cc01621affff000000000000ff0000000000000055"), False),
            (bytes.fromhex("638001621a777704"), False),
            (bytes.fromhex("02000755"), False),
            (b"\x62" + data(0x1234, 0x0000)[1:], False),
            (bytes.fromhex("040007"), False),
            (bytes.fromhex("61880762"), False),
            (b"", False),
        ],
        ids=[
            "own short", "other short", "broadcast", "other PAN", "broadcast PAN", "broadcast in another PAN",
            "beacon request", "own beacon", "foreign beacon", "own extended", "other extended",
            "extended 0xffff is no broadcast", "no destination", "long ACK", "addressed ACK", "reserved type",
            "cut short", "empty",
        ],
    )  # fmt: skip
    def test_a_radio_hears_what_is_for_it(self, psdu: bytes, passes: bool) -> None:
        bench = Bench(LowEntropy())
        assert self.heard(psdu, bench.host("listener", 0x1234), bench) is passes

    @pytest.mark.parametrize(
        ("psdu", "passes"),
        [(BEACON, True), (FOREIGN_BEACON, True), (BEACON_REQUEST, True), (data(0x1234, 0), False)],
        ids=["beacon", "foreign beacon", "beacon request", "data of a PAN"],
    )
    def test_a_scanning_radio_hears_all_beacons(self, psdu: bytes, passes: bool) -> None:
        bench = Bench(LowEntropy())
        assert self.heard(psdu, bench.host("listener", 0xFFFF, pan=0xFFFF), bench) is passes

    def test_a_coordinator_hears_frames_of_its_pan_without_a_destination(self) -> None:
        bench = Bench(LowEntropy())
        assert self.heard(bytes.fromhex("238001621a777704"), bench.host("listener", 0x0000), bench)
        assert bench.seen[1].psdu == bytes.fromhex("020001")

    def test_tuning_to_another_channel_and_back_loses_the_frame_in_between(self) -> None:
        bench, parent, child = a_pair()
        child.send(data(0xFFFF, 0x1234))  # 320 to 864
        bench.run(400)
        parent.radio.tune(tuning(0x0000, channel=20))
        parent.radio.tune(tuning(0x0000))
        bench.run()
        assert parent.received == []

    def test_new_addresses_count_at_once(self) -> None:
        bench, parent, child = a_pair()
        child.radio.tune(tuning(0x4321))
        parent.send(data(0x1234, 0x0000), retries=0)
        bench.run()
        parent.send(data(0x4321, 0x0000))
        bench.run()
        assert parent.statuses == [TransmitStatus.NO_ACK, TransmitStatus.SUCCESS]
        assert len(child.received) == 1

    def test_two_pans_with_one_short_address_do_not_mix(self) -> None:
        bench, parent, child = a_pair()
        foreign = bench.host("foreign", 0x0000, pan=0xBEEF)
        child.send(data(0x0000, 0x1234))
        bench.run()
        assert (len(parent.received), len(foreign.received)) == (1, 0)
