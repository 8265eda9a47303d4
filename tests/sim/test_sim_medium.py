"""The air between radios: links, loss, collisions, hidden stations, observers, determinism."""

from __future__ import annotations

import gc
import weakref

import pytest

from coordinator.sim.air import AirFrame, Link, MediumConfig, airtime
from coordinator.stack.node import Transmit, TransmitStatus
from tests.sim.bench import BEACON_REQUEST, Bench, Host, LowEntropy, SeededEntropy, data, tuning

SUCCESS = TransmitStatus.SUCCESS
NO_ACK = TransmitStatus.NO_ACK
COLLISIONS = MediumConfig(collisions=True)


def broadcast(source: int, mark: int) -> bytes:
    return data(0xFFFF, source, payload=bytes([mark]))


class TestAirtime:
    def test_a_psdu_takes_eight_octets_more_at_32_microseconds_each(self) -> None:
        assert airtime(bytes.fromhex("020007")) == 352
        assert airtime(BEACON_REQUEST) == 512
        assert airtime(bytes(125)) == 4256


class TestLinks:
    def test_a_separated_radio_hears_nothing_in_that_direction_only(self) -> None:
        bench = Bench(LowEntropy())
        here, there = bench.host("here", 1), bench.host("there", 2)
        bench.medium.separate("here", "there")
        here.send(broadcast(1, 0xAA))
        bench.run()
        there.send(broadcast(2, 0xBB))
        bench.run()
        assert (there.received, here.psdus) == ([], [broadcast(2, 0xBB)])

    def test_a_lost_ack_makes_the_sender_repeat_and_the_receiver_hear_twice(self) -> None:
        bench = Bench(LowEntropy())
        here, there = bench.host("here", 1), bench.host("there", 2)
        bench.medium.connect("there", "here", Link(loss=1.0))
        here.send(data(2, 1), retries=1)
        bench.run()
        assert here.statuses == [NO_ACK]
        assert there.psdus == [data(2, 1)] * 2

    def test_a_restored_link_works_again(self) -> None:
        bench = Bench(LowEntropy())
        here, there = bench.host("here", 1), bench.host("there", 2)
        bench.medium.separate("here", "there")
        bench.medium.restore("here", "there")
        here.send(data(2, 1))
        bench.run()
        assert (here.statuses, len(there.received)) == ([SUCCESS], 1)

    def test_the_receiver_reports_the_quality_of_its_link(self) -> None:
        bench = Bench(LowEntropy(), MediumConfig(link=Link(lqi=200, rssi=-55)))
        here, there, third = bench.host("here", 1), bench.host("there", 2), bench.host("third", 3)
        bench.medium.connect("here", "there", Link(lqi=31, rssi=-90))
        here.send(broadcast(1, 0))
        bench.run()
        assert [(frame.lqi, frame.rssi) for _, frame in there.received] == [(31, -90)]
        assert [(frame.lqi, frame.rssi) for _, frame in third.received] == [(200, -55)]
        assert (bench.seen[0].lqi, bench.seen[0].rssi) == (200, -55)

    @pytest.mark.parametrize(("delay", "status"), [(159, SUCCESS), (160, NO_ACK)])
    def test_an_ack_over_a_slow_link_counts_until_the_ack_wait_is_over(
        self, delay: int, status: TransmitStatus
    ) -> None:
        # 864 - 192 - 352 = 320, there and back
        bench = Bench(LowEntropy(), MediumConfig(link=Link(delay=delay)))
        here, there = bench.host("here", 1), bench.host("there", 2)
        here.send(data(2, 1), retries=0)
        bench.run()
        assert here.statuses == [status]
        assert [when for when, _ in there.received] == [864 + delay + 544]

    def test_a_radio_does_not_hear_the_echo_of_its_own_frame(self) -> None:
        bench = Bench(LowEntropy(), MediumConfig(link=Link(delay=5_000)))
        here, there = bench.host("here", 1), bench.host("there", 2)
        here.send(broadcast(1, 0))
        bench.run()
        assert (len(here.received), len(there.received)) == (0, 1)

    def test_a_link_is_a_probability_and_a_delay(self) -> None:
        with pytest.raises(ValueError, match=r"1\.5"):
            Link(loss=1.5)
        with pytest.raises(ValueError, match="before"):
            Link(delay=-1)


class TestLoss:
    def received_of(self, count: int, loss: float, seed: int) -> int:
        bench = Bench(SeededEntropy(seed), MediumConfig(link=Link(loss=loss)))
        here, there = bench.host("here", 1), bench.host("there", 2)
        for number in range(count):
            here.send(broadcast(1, number & 255))
            bench.run(10_000)
        return len(there.received)

    def test_frames_are_lost_as_often_as_the_link_says(self) -> None:
        assert 2650 < self.received_of(4000, 0.3, seed=5) < 2950

    def test_a_link_without_loss_draws_no_entropy(self) -> None:
        entropy = SeededEntropy(1)
        bench = Bench(entropy)
        here, _ = bench.host("here", 1), bench.host("there", 2)
        for _ in range(2):
            here.send(data(2, 1), csma=False)
            bench.run()
            bench.medium.connect("here", "there", Link(lqi=80))
        assert (here.statuses, entropy.draws) == ([SUCCESS, SUCCESS], 0)

    def test_retries_carry_a_frame_over_a_bad_link(self) -> None:
        bench = Bench(SeededEntropy(3), MediumConfig(link=Link(loss=0.3)))
        here, there = bench.host("here", 1), bench.host("there", 2)
        for number in range(200):
            here.send(data(2, 1, sequence=number), retries=15)
            bench.run(100_000)
        assert here.statuses == [SUCCESS] * 200
        assert len(there.received) > 200, "some ACKs were lost"
        assert sorted({psdu[2] for psdu in there.psdus}) == list(range(200))


class TestCollisions:
    def hidden(self, config: MediumConfig) -> tuple[Bench, Host, Host, Host]:
        """Left and right hear the middle, but not each other."""
        bench = Bench(LowEntropy(), config)
        left, middle, right = bench.host("left", 1), bench.host("middle", 2), bench.host("right", 3)
        bench.medium.separate("left", "right")
        bench.medium.separate("right", "left")
        return bench, left, middle, right

    def test_frames_of_hidden_stations_destroy_each_other_where_both_are_heard(self) -> None:
        bench, left, middle, right = self.hidden(COLLISIONS)
        left.send(broadcast(1, 0xAA))
        bench.run(300)
        right.send(broadcast(3, 0xBB))
        bench.run()
        assert len(bench.seen) == 2
        assert middle.received == []

    def test_the_last_symbol_is_enough_and_touching_is_not(self) -> None:
        for gap, heard in ((-1, 0), (0, 2)):
            bench, left, middle, right = self.hidden(COLLISIONS)
            left.send(broadcast(1, 0xAA), csma=False)
            bench.run(airtime(broadcast(1, 0xAA)) + gap)
            right.send(broadcast(3, 0xBB), csma=False)
            bench.run()
            assert len(middle.received) == heard

    def test_a_station_that_hears_only_one_of_them_hears_it_well(self) -> None:
        bench, left, _, right = self.hidden(COLLISIONS)
        near = bench.host("near", 4)
        bench.medium.separate("right", "near")
        left.send(broadcast(1, 0xAA))
        right.send(broadcast(3, 0xBB))
        bench.run()
        assert near.psdus == [broadcast(1, 0xAA)]

    def test_without_collisions_both_are_heard(self) -> None:
        bench, left, middle, right = self.hidden(MediumConfig())
        left.send(broadcast(1, 0xAA))
        right.send(broadcast(3, 0xBB))
        bench.run()
        assert middle.psdus == [broadcast(1, 0xAA), broadcast(3, 0xBB)]

    def test_two_radios_that_start_in_one_turnaround_collide_although_both_assessed(self) -> None:
        bench = Bench(LowEntropy(), COLLISIONS)
        left, middle, right = bench.host("left", 1), bench.host("middle", 2), bench.host("right", 3)
        left.send(data(2, 1), retries=0)
        bench.run(100)
        right.send(data(2, 3), retries=0)
        bench.run()
        assert middle.received == []
        assert (left.statuses, right.statuses) == ([NO_ACK], [NO_ACK])

    @pytest.mark.parametrize("config", [MediumConfig(), MediumConfig(link=Link(delay=1))])
    def test_a_transmitting_radio_hears_nothing_even_without_collisions(self, config: MediumConfig) -> None:
        bench = Bench(LowEntropy(), config)
        left, right = bench.host("left", 1), bench.host("right", 2)
        left.send(broadcast(1, 0xAA))
        bench.run(100)
        right.send(broadcast(2, 0xBB))
        bench.run()
        assert (left.received, right.received) == ([], [])

    def test_frames_on_two_channels_do_not_collide(self) -> None:
        bench = Bench(LowEntropy(), COLLISIONS)
        left, right = bench.host("left", 1), bench.host("right", 2, channel=20)
        middle = bench.host("middle", 3)
        left.send(broadcast(1, 0xAA))
        right.send(broadcast(2, 0xBB))
        bench.run()
        assert middle.psdus == [broadcast(1, 0xAA)]

    def test_two_radios_with_one_address_acknowledge_with_one_voice(self) -> None:
        bench = Bench(LowEntropy(), COLLISIONS)
        sender, one, two = bench.host("sender", 1), bench.host("one", 2), bench.host("two", 2)
        sender.send(data(2, 1))
        bench.run()
        assert sender.statuses == [SUCCESS]
        assert (len(one.received), len(two.received)) == (1, 1)


class TestObservers:
    def test_an_observer_sees_frames_that_no_radio_takes(self) -> None:
        bench = Bench(LowEntropy())
        bench.host("only", 1).send(b"\x07", handle=5)
        bench.run()
        assert bench.seen == [AirFrame(*bench.seen[0])]
        assert bench.seen[0] == (320, 608, 15, b"\x07", "only", 5, -40, 255)

    def test_an_observer_sees_a_frame_before_its_receiver_does(self) -> None:
        bench = Bench(LowEntropy())
        here, there = bench.host("here", 1), bench.host("there", 2)
        order = list[str]()
        bench.medium.observe(lambda frame: order.append("observer"))
        there.radio.on_frame = lambda frame: order.append("receiver")
        here.send(broadcast(1, 0))
        bench.run()
        assert order == ["observer", "receiver"]

    def test_an_observer_can_stop(self) -> None:
        bench = Bench(LowEntropy())
        here = bench.host("here", 1)
        bench.stop_watching()
        here.send(broadcast(1, 0))
        bench.run()
        assert bench.seen == []


def chatter(seed: int) -> list[AirFrame]:
    """Eight radios that all speak at once, over a poor and crowded channel."""
    bench = Bench(SeededEntropy(seed), MediumConfig(link=Link(loss=0.1), collisions=True))
    hosts = [bench.host(f"host {number}", number) for number in range(8)]
    for turn in range(40):
        for number, host in enumerate(hosts):
            host.send(data((number + turn) % 7 + 1, number, sequence=turn))
        bench.run(200_000)
    assert all(len(host.confirmed) == 40 for host in hosts)
    return bench.seen


class TestDeterminism:
    def test_the_same_seed_gives_the_same_air(self) -> None:
        first = chatter(11)
        assert len(first) > 600
        assert first == chatter(11)

    def test_another_seed_gives_another_air(self) -> None:
        assert chatter(11) != chatter(12)


class TestNoGrowth:
    def sizes(self, bench: Bench) -> tuple[int, ...]:
        medium = bench.medium
        tables = (
            medium._stations, medium._awaiting, medium._on_air, medium._links,
            medium._directory.short, medium._directory.extended,
        )  # fmt: skip
        return tuple(len(table) for table in tables)

    def test_a_hundred_thousand_frames_leave_nothing_behind(self) -> None:
        bench = Bench(LowEntropy(), COLLISIONS)
        bench.stop_watching()
        here, there = bench.host("here", 1), bench.host("there", 2)
        left = [50_000]
        frames = [Transmit(handle=number, psdu=data(2, 1, sequence=number)) for number in range(256)]
        heard, longest = [0], [0]

        def confirm(handle: int, status: TransmitStatus, pending: bool) -> None:
            longest[0] = max(longest[0], len(bench.world))
            if left[0]:
                left[0] -= 1
                here.radio.transmit(frames[left[0] & 255])

        def receive(frame: object) -> None:
            heard[0] += 1

        here.radio.on_confirm, there.radio.on_frame = confirm, receive
        confirm(0, SUCCESS, False)
        bench.run(1_000_000_000)
        assert heard == [50_000], "and as many ACKs"
        assert longest[0] < 100
        assert len(bench.world) == 0
        assert self.sizes(bench) == (2, 0, 2, 0, 2, 2), "the medium keeps what the last CCA could have heard"

    def test_power_cycles_leave_nothing_behind(self) -> None:
        bench = Bench(LowEntropy(), COLLISIONS)
        parent, child = bench.host("parent", 0), bench.host("child", 1)
        for number in range(2_000):
            child.radio.tune(tuning(number + 1))
            child.send(data(0, number + 1))
            bench.run(number % 2_000)  # anywhere within backoff, frame, ACK and after
            child.radio.power(False)
            assert len(bench.world) < 200
            child.radio.power(True)
        child.radio.power(False)
        parent.radio.power(False)
        assert self.sizes(bench) == (0, 0, 0, 0, 0, 0)
        bench.run()
        assert len(bench.world) == 0

    @pytest.mark.parametrize("moment", [0, 200, 500, 1_000, 1_300, 2_000])
    def test_a_radio_that_is_off_is_forgotten(self, moment: int) -> None:
        bench = Bench(LowEntropy())
        parent, child = bench.host("parent", 0), bench.host("child", 1)
        child.send(data(0, 1))
        bench.run(moment)
        for host in (child, parent):
            host.radio.power(False)
        radios = [weakref.ref(parent.radio), weakref.ref(child.radio)]
        del parent, child, host
        gc.collect()
        assert [radio() for radio in radios] == [None, None]
