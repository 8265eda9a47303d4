"""One radio and its peers: timing, ACKs, the frame-pending bit, CSMA-CA, the filter, sleep, power.

Times are sums of figures of protocol.md (32 us an octet, turnaround 192 us, macAckWait 864 us) and
of IEEE 802.15.4 (CCA 8 symbols, unit backoff 20 symbols), worked out by hand; frames are octets.
"""

from __future__ import annotations

import pytest

from coordinator.sim.radio import FRAME_WAIT_2003, NOISE_FLOOR
from coordinator.stack.node import ReceiverOn, SetPending, TransmitStatus
from coordinator.types import Channel, Instant, NwkAddress
from tests.sim.bench import (
    BEACON_REQUEST,
    PAN,
    Bench,
    Host,
    LowEntropy,
    ScriptedEntropy,
    a_pair,
    data,
    data_request,
    extended,
    tuning,
)

SUCCESS = TransmitStatus.SUCCESS
NO_ACK = TransmitStatus.NO_ACK


def poll_held_for(child: Host, parent: Host) -> None:
    """The parent holds something for the child, and the child asks for it."""
    parent.radio.set_pending(SetPending(short=frozenset({child.radio.address}), extended=frozenset()))
    child.send(data_request(parent.radio.address, child.radio.address))


class TestTiming:
    def test_a_frame_and_its_ack_take_the_time_the_standard_gives(self) -> None:
        bench, parent, child = a_pair()
        psdu = data(0x0000, 0x1234, payload=bytes(11))  # 20 octets, 22 with FCS, 28 with PHY header
        child.send(psdu, handle=42)
        bench.run()
        # CCA 128, turnaround 192; 28 octets 896; turnaround 192; ACK 11 octets 352
        assert bench.senders == [("child", 320, 1216), ("parent", 1408, 1760)]
        assert [frame.psdu for frame in bench.seen] == [psdu, bytes.fromhex("020007")]
        assert [frame.handle for frame in bench.seen] == [42, None]
        assert child.confirmed == [(1760, 42, SUCCESS, False)]
        assert [when for when, _ in parent.received] == [1760], "the host hears when the ACK is out"

    def test_a_beacon_request_takes_512_microseconds_and_no_ack(self) -> None:
        bench, parent, child = a_pair()
        child.send(BEACON_REQUEST)
        bench.run()
        assert bench.senders == [("child", 320, 832)]
        assert child.confirmed == [(832, 1, SUCCESS, False)]
        assert parent.received[0][0] == 832
        assert parent.received[0][1].acked_with_pending is None

    def test_the_backoff_is_drawn_in_unit_periods_below_two_to_the_macminbe(self) -> None:
        entropy = ScriptedEntropy(5)
        bench = Bench(entropy)
        bench.host("child", 0x1234).send(BEACON_REQUEST)
        bench.run()
        assert entropy.bounds == [(0, 7)]
        assert bench.senders == [("child", 5 * 320 + 320, 5 * 320 + 832)]

    def test_without_csma_only_the_turnaround_is_waited(self) -> None:
        bench = Bench(ScriptedEntropy())
        bench.host("child", 0x1234).send(BEACON_REQUEST, csma=False)
        bench.run()
        assert bench.senders == [("child", 192, 704)]

    def test_the_longest_psdu_is_sent_and_one_octet_more_is_aborted(self) -> None:
        bench, parent, child = a_pair()
        child.send(data(0x0000, 0x1234, payload=bytes(116)))
        bench.run()
        assert child.statuses == [SUCCESS]
        child.send(data(0x0000, 0x1234, payload=bytes(117)))
        assert child.statuses == [SUCCESS], "a request is never confirmed from within"
        bench.run()
        assert child.statuses == [SUCCESS, TransmitStatus.ABORTED]
        assert len(parent.received) == 1


class TestAcknowledgement:
    def test_a_frame_to_a_radio_that_is_off_is_repeated_three_times_and_fails(self) -> None:
        bench, parent, child = a_pair()
        parent.radio.power(False)
        child.send(data(0x0000, 0x1234), retries=3)
        bench.run()
        # 9 + 8 octets: 544 on air; the ACK wait is 864; then CCA and turnaround again
        first, period = 320, 544 + 864 + 320
        starts = [first + period * attempt for attempt in range(4)]
        assert bench.senders == [("child", start, start + 544) for start in starts]
        assert child.confirmed == [(starts[-1] + 544 + 864, 1, NO_ACK, False)]

    def test_no_retries_means_one_frame(self) -> None:
        bench, parent, child = a_pair()
        parent.radio.power(False)
        child.send(data(0x0000, 0x1234), retries=0)
        bench.run()
        assert len(bench.seen) == 1
        assert child.statuses == [NO_ACK]

    def test_an_ack_with_another_sequence_number_is_not_taken(self) -> None:
        bench, parent, child = a_pair()
        parent.radio.power(False)
        stranger = bench.host("stranger", 0x4444)
        child.send(data(0x0000, 0x1234, sequence=7), retries=0)
        stranger.send(bytes.fromhex("020008"), csma=False)
        bench.run(900)
        stranger.send(bytes.fromhex("020008"), csma=False)
        bench.run()
        assert child.statuses == [NO_ACK]

    def test_a_forged_ack_with_the_right_sequence_number_is_taken(self) -> None:
        bench, parent, child = a_pair()
        parent.radio.power(False)
        stranger = bench.host("stranger", 0x4444)
        child.send(data(0x0000, 0x1234, sequence=7), retries=0)
        bench.run(900)
        stranger.send(bytes.fromhex("120007"), csma=False)
        bench.run()
        assert child.confirmed == [(900 + 192 + 352, 1, SUCCESS, True)]

    def test_an_ack_on_another_channel_is_not_taken(self) -> None:
        bench, parent, child = a_pair()
        parent.radio.power(False)
        stranger = bench.host("stranger", 0x4444, channel=20)
        child.send(data(0x0000, 0x1234, sequence=7), retries=0)
        bench.run(900)
        stranger.send(bytes.fromhex("020007"), csma=False)
        bench.run()
        assert child.statuses == [NO_ACK]

    def test_broadcasts_reach_everyone_but_the_sender_and_are_not_acknowledged(self) -> None:
        bench, parent, child = a_pair()
        other = bench.host("other", 0x5678)
        psdu = data(0xFFFF, 0x1234, payload=b"hello")
        child.send(psdu)
        bench.run()
        assert (parent.psdus, other.psdus, child.psdus) == ([psdu], [psdu], [])
        assert len(bench.seen) == 1

    def test_a_broadcast_that_asks_for_an_ack_gets_none(self) -> None:
        bench, parent, child = a_pair()
        child.send(b"\x61" + data(0xFFFF, 0x1234)[1:], retries=1)
        bench.run()
        assert [frame.transmitter for frame in bench.seen] == ["child", "child"]
        assert child.statuses == [NO_ACK]
        assert len(parent.received) == 2

    def test_only_the_addressed_radio_acknowledges(self) -> None:
        bench, parent, child = a_pair()
        bystanders = [bench.host(f"bystander {number}", 0x2000 + number) for number in range(5)]
        child.send(data(0x0000, 0x1234))
        bench.run()
        assert [frame.transmitter for frame in bench.seen] == ["child", "parent"]
        assert not any(bystander.received for bystander in bystanders)
        assert len(parent.received) == 1

    def test_a_second_transmission_while_one_is_outstanding_is_our_bug(self) -> None:
        _, _, child = a_pair()
        child.send(data(0x0000, 0x1234))
        with pytest.raises(AssertionError, match="child"):
            child.send(data(0x0000, 0x1234))

    def test_the_host_may_send_again_from_within_the_confirm(self) -> None:
        bench, parent, child = a_pair()
        left = [3]

        def again(handle: int, status: TransmitStatus, pending: bool) -> None:
            if left[0]:
                left[0] -= 1
                child.send(data(0x0000, 0x1234, sequence=left[0]))

        child.radio.on_confirm = again
        child.send(data(0x0000, 0x1234))
        bench.run()
        assert [psdu[2] for psdu in parent.psdus] == [7, 2, 1, 0]


class TestFramePending:
    def test_a_poll_from_the_source_match_table_is_acked_with_frame_pending(self) -> None:
        bench, parent, child = a_pair()
        poll_held_for(child, parent)
        bench.run()
        assert bench.seen[1].psdu == bytes.fromhex("120009")
        assert child.confirmed[0][2:] == (SUCCESS, True)
        assert parent.received[0][1].acked_with_pending is True

    def test_a_poll_that_is_not_in_the_table_is_acked_without(self) -> None:
        bench, parent, child = a_pair()
        parent.radio.set_pending(
            SetPending(short=frozenset({NwkAddress(0x9999)}), extended=frozenset({extended(0x1234)}))
        )
        child.send(data_request(0x0000, 0x1234))
        bench.run()
        assert bench.seen[1].psdu == bytes.fromhex("020009")
        assert parent.received[0][1].acked_with_pending is False

    def test_with_source_matching_off_every_poll_is_acked_with_frame_pending(self) -> None:
        bench, parent, child = a_pair()
        parent.radio.set_pending(SetPending(everyone=True))
        child.send(data_request(0x0000, 0x1234))
        bench.run()
        assert bench.seen[1].psdu == bytes.fromhex("120009")

    def test_a_poll_by_extended_address_is_matched_by_it(self) -> None:
        bench, parent, child = a_pair()
        parent.radio.set_pending(SetPending(short=frozenset(), extended=frozenset({extended(0x1234)})))
        source = bytes.fromhex("34120000004b1200")
        child.send(bytes.fromhex("63c809621a0000") + source + b"\x04")
        bench.run()
        assert bench.seen[1].psdu == bytes.fromhex("120009")

    def test_a_data_frame_from_the_table_is_acked_without(self) -> None:
        bench, parent, child = a_pair()
        parent.radio.set_pending(SetPending(short=frozenset({NwkAddress(0x1234)}), extended=frozenset()))
        child.send(data(0x0000, 0x1234, payload=b"\x04"))
        bench.run()
        assert bench.seen[1].psdu == bytes.fromhex("020007")
        assert child.confirmed[0][3] is False

    def test_the_table_is_replaced_not_added_to(self) -> None:
        bench, parent, child = a_pair()
        parent.radio.set_pending(SetPending(short=frozenset({NwkAddress(0x1234)}), extended=frozenset()))
        parent.radio.set_pending(SetPending(short=frozenset(), extended=frozenset()))
        child.send(data_request(0x0000, 0x1234))
        bench.run()
        assert child.confirmed[0][3] is False


class TestCsma:
    def test_a_busy_channel_defers_the_frame(self) -> None:
        entropy = ScriptedEntropy(0, 0, 6)
        bench = Bench(entropy)
        bench.host("parent", 0x0000)
        loud, polite = bench.host("loud", 0x1111), bench.host("polite", 0x2222)
        loud.send(data(0xFFFF, 0x1111, payload=bytes(20)))  # 9 + 20 + 8 octets: 320 to 1504
        bench.run(400)
        polite.send(data(0xFFFF, 0x2222))
        bench.run()
        # its first CCA ends at 528 and finds a carrier; the second, six periods later, at 2576
        assert bench.senders == [("loud", 320, 1504), ("polite", 2576 + 192, 2576 + 192 + 544)]
        assert entropy.bounds == [(0, 7), (0, 7), (0, 15)]

    def test_a_carrier_that_ends_within_the_assessment_counts(self) -> None:
        bench = Bench(ScriptedEntropy(0, 0, 0))
        loud, polite = bench.host("loud", 0x1111), bench.host("polite", 0x2222)
        loud.send(data(0xFFFF, 0x1111), csma=False)  # 192 to 736
        bench.run(700)
        polite.send(data(0xFFFF, 0x2222))  # assesses 700 to 828, then 828 to 956
        bench.run()
        assert bench.senders[1] == ("polite", 956 + 192, 956 + 192 + 544)

    def test_a_channel_that_stays_busy_fails_the_access_after_five_assessments(self) -> None:
        entropy = ScriptedEntropy(0, 0, 0, 0, 0)
        bench = Bench(entropy)
        loud, polite = bench.host("loud", 0x1111), bench.host("polite", 0x2222)
        loud.send(data(0xFFFF, 0x1111, payload=bytes(100)), csma=False)
        bench.run(300)
        polite.send(data(0x1111, 0x2222))
        bench.run()
        assert polite.confirmed == [(300 + 5 * 128, 1, TransmitStatus.CHANNEL_ACCESS_FAILURE, False)]
        assert entropy.bounds == [(0, 7), (0, 15), (0, 31), (0, 31), (0, 31)]

    def test_a_frame_on_another_channel_does_not_defer(self) -> None:
        bench = Bench(LowEntropy())
        bench.host("loud", 0x1111, channel=11).send(data(0xFFFF, 0x1111, payload=bytes(100)), csma=False)
        bench.run(300)
        polite = bench.host("polite", 0x2222, channel=12)
        polite.send(data(0xFFFF, 0x2222))
        bench.run()
        assert ("polite", 620, 620 + 544) in bench.senders

    def test_a_radio_sends_its_own_frame_after_the_ack_it_owes(self) -> None:
        bench, parent, child = a_pair()
        child.send(data(0x0000, 0x1234))  # ends at 864; ACK 1056 to 1408
        bench.run(870)
        parent.send(data(0x1234, 0x0000), csma=False)
        bench.run()
        assert bench.senders[1:3] == [("parent", 1056, 1408), ("parent", 1600, 2144)]
        assert (parent.statuses, child.statuses) == ([SUCCESS], [SUCCESS])

    def test_an_ack_that_is_owed_counts_as_a_busy_channel(self) -> None:
        bench = Bench(ScriptedEntropy(0, 0, 5))
        parent, child = bench.host("parent", 0x0000), bench.host("child", 0x1234)
        child.send(data(0x0000, 0x1234))  # ends at 864; ACK 1056 to 1408
        bench.run(900)
        parent.send(data(0xFFFF, 0x0000))  # assesses the silence from 900 to 1028
        bench.run()
        later = 1028 + 5 * 320 + 128 + 192
        assert bench.senders[1:] == [("parent", 1056, 1408), ("parent", later, later + 544)]


class TestSleep:
    def asleep(self, frame_wait: int = FRAME_WAIT_2003) -> tuple[Bench, Host, Host]:
        bench = Bench(LowEntropy())
        parent, child = bench.host("parent", 0x0000), bench.host("child", 0x1234, frame_wait=frame_wait)
        child.radio.receiver_on(ReceiverOn(on=False))
        return bench, parent, child

    def test_a_sleeping_radio_hears_nothing_but_acks_of_its_frames(self) -> None:
        bench, parent, child = self.asleep()
        parent.send(data(0x1234, 0x0000), retries=0)
        bench.run()
        child.send(data(0x0000, 0x1234))
        bench.run()
        assert (parent.statuses, child.statuses, child.received) == ([NO_ACK], [SUCCESS], [])

    def test_a_promise_of_a_frame_keeps_it_awake_until_the_frame_comes(self) -> None:
        bench, parent, child = self.asleep()
        poll_held_for(child, parent)
        bench.run(10_000)
        parent.send(data(0x1234, 0x0000, sequence=1))
        bench.run(5_000)
        parent.send(data(0x1234, 0x0000, sequence=2), retries=0)
        bench.run(5_000)
        assert [psdu[2] for psdu in child.psdus] == [1]
        assert parent.statuses == [SUCCESS, NO_ACK]

    @pytest.mark.parametrize(("late", "status"), [(18_000, SUCCESS), (19_000, NO_ACK)])
    def test_it_goes_to_sleep_when_the_frame_wait_is_over(self, late: int, status: TransmitStatus) -> None:
        bench, parent, child = self.asleep()
        poll_held_for(child, parent)  # 18 octets on air; its ACK ends at 1440
        bench.run(1_440)
        assert child.confirmed[0][0] == 1_440
        bench.run(late)
        parent.send(data(0x1234, 0x0000), retries=0)  # ends 864 later
        bench.run(50_000)
        assert parent.statuses == [status]

    def test_the_host_may_send_it_to_sleep_before(self) -> None:
        bench, parent, child = self.asleep()
        poll_held_for(child, parent)
        bench.run(2_000)
        child.radio.receiver_on(ReceiverOn(on=False))
        parent.send(data(0x1234, 0x0000), retries=0)
        bench.run()
        assert parent.statuses == [NO_ACK]

    def test_no_promise_no_waiting(self) -> None:
        bench, parent, child = self.asleep()
        child.send(data_request(0x0000, 0x1234))
        bench.run(2_000)
        parent.send(data(0x1234, 0x0000), retries=0)
        bench.run()
        assert parent.statuses == [NO_ACK]

    def test_a_receiver_turned_on_in_the_middle_of_a_frame_misses_it(self) -> None:
        bench, parent, child = self.asleep()
        parent.send(data(0x1234, 0x0000), retries=1)  # 320 to 864, and again
        bench.run(321)
        child.radio.receiver_on(ReceiverOn(on=True))
        bench.run()
        assert [frame.transmitter for frame in bench.seen] == ["parent", "parent", "child"]


class TestPower:
    def test_a_radio_powered_off_in_the_middle_of_its_frame_is_not_heard(self) -> None:
        bench, parent, child = a_pair()
        child.send(data(0x0000, 0x1234))
        bench.run(500)
        child.radio.power(False)
        bench.run()
        assert (bench.seen, parent.received, child.confirmed) == ([], [], [])

    def test_a_radio_powered_off_before_its_ack_does_not_send_it(self) -> None:
        bench, parent, child = a_pair()
        child.send(data(0x0000, 0x1234), retries=0)
        bench.run(900)
        parent.radio.power(False)
        bench.run()
        assert (child.statuses, parent.received) == ([NO_ACK], [])

    def test_power_brings_back_a_radio_without_addresses_or_table(self) -> None:
        bench, parent, child = a_pair()
        parent.radio.set_pending(SetPending(short=frozenset({NwkAddress(0x1234)}), extended=frozenset()))
        parent.radio.power(False)
        parent.radio.power(True)
        assert (parent.radio.pan_id, parent.radio.address) == (0xFFFF, 0xFFFF)
        parent.radio.tune(tuning(0x0000))
        child.send(data_request(0x0000, 0x1234))
        bench.run()
        assert child.confirmed[0][2:] == (SUCCESS, False)

    def test_a_radio_that_is_off_cannot_be_asked(self) -> None:
        _, _, child = a_pair()
        child.radio.power(False)
        with pytest.raises(AssertionError, match="powered off"):
            child.send(BEACON_REQUEST)
        with pytest.raises(AssertionError, match="powered off"):
            child.radio.tune(tuning(0x1234, pan=PAN))

    def test_a_radio_powered_in_the_middle_of_a_frame_misses_it(self) -> None:
        bench, parent, child = a_pair()
        child.radio.power(False)
        parent.send(data(0xFFFF, 0x0000))
        bench.run(321)
        child.radio.power(True)
        child.radio.tune(tuning(0x1234))
        bench.world.run_until(Instant(10_000))
        assert child.received == []


class TestEnergyScan:
    def test_the_peak_is_that_of_the_frames_on_the_channel_and_the_radio_is_deaf_meanwhile(self) -> None:
        bench, parent, child = a_pair()
        found: list[tuple[Instant, int]] = []
        parent.radio.energy_scan(
            parent.radio.channel, 5_000, lambda level: found.append((bench.world.now, level))
        )
        child.send(BEACON_REQUEST)
        bench.run()
        assert found == [(5_000, bench.medium.config.link.rssi)]
        assert parent.received == []

    def test_a_quiet_channel_has_the_noise_floor(self) -> None:
        bench, parent, child = a_pair()
        found: list[int] = []
        parent.radio.energy_scan(Channel(26), 5_000, found.append)
        child.send(BEACON_REQUEST)
        bench.run()
        assert found == [NOISE_FLOOR]

    def test_power_off_ends_a_scan_without_a_word(self) -> None:
        bench, parent, _ = a_pair()
        found: list[int] = []
        parent.radio.energy_scan(Channel(26), 5_000, found.append)
        parent.radio.power(False)
        bench.run()
        assert found == []
