"""Host stacks against each other on the simulated air: what no bench by hand can show."""

from __future__ import annotations

import pytest

from coordinator import trace
from coordinator.codec import mac, zdp
from coordinator.primitives import apsde, apsme, mlme, nlme, zdo
from coordinator.sim.air import Link, MediumConfig
from coordinator.stack.neighbors import END_DEVICE_TIMEOUTS, Relationship
from coordinator.stack.policy import StackPolicy
from coordinator.types import (
    BROADCAST_ALL,
    BROADCAST_PAN,
    BROADCAST_RX_ON,
    NO_ADDRESS,
    LinkKeyKind,
    NwkAddress,
)
from tests.stack.peer import AWAKE_END_DEVICE, ROUTER, SLEEPY
from tests.stack.town import Joiner, Node, Town


def send(node: Node, destination: NwkAddress, asdu: bytes = b"data", *, acknowledge: bool = True) -> None:
    request = apsde.DataRequest(
        destination=destination,
        destination_endpoint=1,
        profile=0x0104,
        cluster=6,
        source_endpoint=1,
        asdu=asdu,
        acknowledge=acknowledge,
    )
    node.host.request(request, node.town.world.now)
    node.settle()


def heard(node: Node) -> list[bytes]:
    return [each.asdu for each in node.indications if isinstance(each, apsde.DataIndication)]


@pytest.mark.parametrize("capability", [ROUTER, AWAKE_END_DEVICE, SLEEPY])
class TestJoining:
    def test_a_device_associates_gets_the_network_key_and_is_heard(self, capability: int) -> None:
        town = Town()
        joiner = town.joiner(1, capability)
        town.run(10)
        (key,) = [each for each in joiner.indications if isinstance(each, apsme.TransportKeyIndication)]
        assert key.security.nwk is False
        assert key.security.link_key is LinkKeyKind.GLOBAL
        child = town.center.host.nwk.neighbors.find_device(joiner.host.eui64)
        assert child is not None
        assert child.relationship is Relationship.CHILD
        assert child.address == joiner.host.address
        announced = [each for each in town.center.indications if isinstance(each, zdo.CommandIndication)]
        assert isinstance(announced[0].command, zdp.DeviceAnnounce)

    def test_nothing_is_dropped_for_a_bad_reason_on_a_good_air(self, capability: int) -> None:
        town = Town()
        joiner = town.joiner(1, capability)
        town.run(120)
        assert [reason for reason in town.center.dropped + joiner.dropped if "EndDevice" not in reason] == []

    def test_data_passes_both_ways_with_its_acknowledgements(self, capability: int) -> None:
        town = Town()
        joiner = town.joiner(1, capability)
        town.run(10)
        send(joiner, NwkAddress(0), b"up")
        send(town.center, joiner.host.address, b"down")
        town.run(10)
        assert heard(town.center) == [b"up"]
        assert heard(joiner) == [b"down"]
        assert town.center.host.aps._waiting == joiner.host.aps._waiting == {}

    def test_every_unicast_request_is_concluded(self, capability: int) -> None:
        town = Town()
        joiner = town.joiner(1, capability)
        town.run(10)
        send(joiner, NwkAddress(0))
        send(town.center, joiner.host.address)
        town.run(10)
        silent = (nlme.PermitJoiningRequest, mlme.BeaconRequest, nlme.NetworkDiscoveryRequest)
        also = (nlme.JoinRequest, nlme.StartRouterRequest, nlme.SyncRequest)
        for node in (town.center, joiner):
            requested = {
                each.request_id
                for each in node.records
                if isinstance(each, trace.Requested) and not isinstance(each.request, (*silent, *also))
            }
            concluded = [each.request_id for each in node.records if isinstance(each, trace.Concluded)]
            assert set(concluded) == requested
            assert len(concluded) == len(requested)

    def test_a_device_that_left_can_join_again_at_once_with_the_same_address(self, capability: int) -> None:
        town = Town()
        joiner = town.joiner(1, capability)
        town.run(10)
        address = joiner.host.address
        joiner.host.request(nlme.LeaveRequest(device=None, address=address), town.world.now)
        joiner.start(town.world.now)
        joiner.settle()
        joiner.indications.clear()
        town.run(10)
        assert joiner.authenticated
        assert joiner.host.address == address

    def test_a_lossy_air_changes_nothing_but_the_time_it_takes(self, capability: int) -> None:
        town = Town(seed=7, config=MediumConfig(link=Link(loss=0.2)))
        joiner = town.joiner(1, capability)
        town.run(60)
        assert joiner.authenticated


class TestSleepy:
    def sleeper(self) -> tuple[Town, Joiner]:
        town = Town()
        joiner = town.joiner(1, SLEEPY)
        town.run(10)
        return town, joiner

    def test_the_transport_key_came_in_answer_to_a_poll(self) -> None:
        town, _ = self.sleeper()
        polls = [index for index, frame in enumerate(town.aired) if mac.is_data_request(frame.psdu)]
        key = next(
            index
            for index, frame in enumerate(town.aired)
            if frame.transmitter == "center" and frame.psdu[:1] == b"\x61" and len(frame.psdu) > 60
        )
        assert polls[1] < key
        assert mac.decode(town.aired[polls[1] + 1].psdu).frame_pending

    def test_its_receiver_is_off_between_polls(self) -> None:
        town, joiner = self.sleeper()
        send(town.center, BROADCAST_RX_ON)
        town.run(0.2)
        assert heard(joiner) == []

    def test_a_broadcast_to_all_reaches_it_at_its_next_poll(self) -> None:
        town, joiner = self.sleeper()
        send(town.center, BROADCAST_ALL, b"everybody")
        town.run(2)
        assert heard(joiner) == [b"everybody"]

    def test_frames_held_together_are_fetched_together(self) -> None:
        town, joiner = self.sleeper()
        for asdu in (b"1", b"2", b"3"):
            send(town.center, joiner.host.address, asdu, acknowledge=False)
        polled = sum(mac.is_data_request(frame.psdu) for frame in town.aired)
        town.run(0.55)
        assert heard(joiner) == [b"1", b"2", b"3"]
        assert sum(mac.is_data_request(frame.psdu) for frame in town.aired) - polled >= 3

    def test_it_told_its_parent_how_long_it_may_be_silent(self) -> None:
        town = Town()
        joiner = town.joiner(1, SLEEPY, StackPolicy(end_device_timeout=3))
        town.run(10)
        child = town.center.host.nwk.neighbors.find_device(joiner.host.eui64)
        assert child is not None
        assert child.timeout == END_DEVICE_TIMEOUTS[3]

    def test_a_device_older_than_r21_says_nothing_of_the_kind(self) -> None:
        town = Town()
        joiner = town.joiner(1, SLEEPY, StackPolicy(end_device_timeout=3, stack_revision=20))
        town.run(10)
        child = town.center.host.nwk.neighbors.find_device(joiner.host.eui64)
        assert child is not None
        assert child.timeout == END_DEVICE_TIMEOUTS[8]

    def test_after_a_reset_it_listens_again(self) -> None:
        town, joiner = self.sleeper()
        joiner.host.request(nlme.ResetRequest(), town.world.now)
        joiner.start(town.world.now)
        joiner.settle()
        joiner.indications.clear()
        town.run(5)
        assert joiner.authenticated


class TestRouters:
    def test_two_routers_and_a_coordinator_pass_a_broadcast_to_each_once(self) -> None:
        town = Town()
        one, other = town.joiner(1, ROUTER), town.joiner(2, ROUTER)
        town.run(60)
        send(one, BROADCAST_RX_ON, b"news")
        town.run(10)
        assert heard(town.center) == heard(other) == [b"news"]
        assert heard(one) == []

    def test_a_broadcast_that_all_neighbours_relayed_is_sent_three_times_by_nobody(self) -> None:
        town = Town()
        one, _ = town.joiner(1, ROUTER), town.joiner(2, ROUTER)
        town.run(60)
        town.aired.clear()
        send(one, BROADCAST_RX_ON, b"news")
        town.run(3)
        copies = [
            frame
            for frame in town.aired
            if frame.psdu[:2] == b"\x41\x88" and frame.psdu[9:13] == b"\x08\x02\xfd\xff"
        ]
        assert sorted(frame.transmitter for frame in copies) == ["center", "joiner-1", "joiner-2"]

    def test_routers_know_each_other_by_their_link_status(self) -> None:
        town = Town()
        one, other = town.joiner(1, ROUTER), town.joiner(2, ROUTER)
        town.run(60)
        sibling = one.host.nwk.neighbors.find_device(other.host.eui64)
        assert sibling is not None
        assert (sibling.relationship, sibling.outgoing_cost) == (Relationship.SIBLING, 1)

    def test_a_router_that_was_powered_off_ages_out_everywhere(self) -> None:
        town = Town()
        one, other = town.joiner(1, ROUTER), town.joiner(2, ROUTER)
        town.run(60)
        other.power_off()
        town.run(90)
        for node in (town.center, one):
            assert node.host.nwk.neighbors.find_device(other.host.eui64) is None
        assert one.host.nwk.neighbors.find_device(town.center.host.eui64) is not None


class TestLeaving:
    @pytest.mark.parametrize("capability", [ROUTER, AWAKE_END_DEVICE, SLEEPY])
    def test_a_device_that_is_told_to_leave_says_so_and_forgets_the_network(self, capability: int) -> None:
        town = Town()
        joiner = town.joiner(1, capability)
        town.run(10)
        host, address = joiner.host, joiner.host.address
        town.center.host.request(nlme.LeaveRequest(device=host.eui64, address=address), town.world.now)
        town.center.settle()
        town.run(2)
        assert nlme.LeaveIndication(device=None, address=address, rejoin=False) in joiner.indications
        assert (
            nlme.LeaveIndication(device=host.eui64, address=address, rejoin=False) in town.center.indications
        )
        assert (host.address, host.nib.pan_id, host.network_keys.active) == (NO_ADDRESS, BROADCAST_PAN, None)
        assert len(host.nwk.neighbors) == len(host.nwk.addresses) == 0
        assert town.center.host.nwk.neighbors.find_device(host.eui64) is None

    def test_a_mgmt_leave_request_is_answered_before_it_is_obeyed(self) -> None:
        town = Town()
        joiner = town.joiner(1, ROUTER)
        town.run(10)
        command = zdp.MgmtLeaveRequest(device=joiner.host.eui64)
        request = zdo.CommandRequest(destination=joiner.host.address, command=command)
        town.center.host.request(request, town.world.now)
        town.center.settle()
        town.run(2)
        told = [
            each
            for each in town.center.indications
            if isinstance(each, nlme.LeaveIndication)
            or (isinstance(each, zdo.CommandIndication) and isinstance(each.command, zdp.MgmtLeaveResponse))
        ]
        assert [type(each) for each in told] == [zdo.CommandIndication, nlme.LeaveIndication]
        assert not joiner.host.nib.joined

    def test_a_device_that_leaves_begins_with_its_provisional_key_again(self) -> None:
        town = Town()
        joiner = town.joiner(1, ROUTER)
        town.run(10)
        keys, center = joiner.host.link_keys, town.center.host.eui64
        keys.offer(center, town.center.host.network_keys.held()[0].key)
        keys.promote(center)
        joiner.host.request(nlme.ResetRequest(), town.world.now)
        assert keys.entry(center).current.kind is LinkKeyKind.GLOBAL

    def test_counters_survive_a_reset(self) -> None:
        town = Town()
        joiner = town.joiner(1, ROUTER)
        town.run(60)
        active = joiner.host.network_keys.active
        assert active is not None
        before = active.outgoing.value
        joiner.host.request(nlme.ResetRequest(), town.world.now)
        joiner.start(town.world.now)
        joiner.settle()
        town.run(5)
        active = joiner.host.network_keys.active
        assert active is not None
        assert active.outgoing.value > before > 0
