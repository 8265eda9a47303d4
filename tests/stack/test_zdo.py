"""The ZDO server, and what announcements teach (protocol.md 1.6; 05-3474, 2.4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from coordinator.codec import zdp
from coordinator.primitives import apsde, nlme, zdo
from coordinator.stack.neighbors import Neighbor, NeighborTable, Relationship
from coordinator.stack.nib import Nib
from coordinator.stack.policy import StackPolicy
from coordinator.stack.zdo import Describe, respond
from coordinator.types import DeviceType, Eui64, NwkAddress
from tests.codec.wireshark import read, write_pcap
from tests.stack.bench import Desk, formed, member
from tests.stack.peer import DEVICE, SLEEPY, TRUST_CENTER, Peer

ENDPOINT = zdp.SimpleDescriptor(
    endpoint=1, profile=0x0104, device=5, input_clusters=(0, 3), output_clusters=(6,)
)
OURS = NwkAddress(0)
UNKNOWN = NwkAddress(0x4444)


def answer(desk: Desk, peer: Peer, command: zdp.Command, destination: int = 0) -> list[zdp.Command]:
    desk.hear(peer.zdp(command, destination))
    return desk.zdp()


def coordinator(**policy: object) -> tuple[Desk, Peer]:
    desk = formed(endpoints=(ENDPOINT,), policy=StackPolicy(**policy))  # type: ignore[arg-type]
    return desk, member(desk)


class TestDescriptors:
    @pytest.mark.parametrize(
        ("revision", "mask"), [(None, 0x0041), (20, 0x2841), (21, 0x2A41), (22, 0x2C41), (23, 0x2E41)]
    )
    def test_the_server_mask_is_that_of_the_protocol_page(self, revision: int | None, mask: int) -> None:
        desk, peer = coordinator(stack_revision=revision, primary_trust_center=True, network_manager=True)
        (response,) = answer(desk, peer, zdp.NodeDescriptorRequest(address=OURS))
        assert isinstance(response, zdp.NodeDescriptorResponse)
        assert response.descriptor is not None
        assert (response.status, response.descriptor.server_mask) == (0, mask)
        assert response.descriptor.logical_type == DeviceType.COORDINATOR.value
        assert response.descriptor.mac_capability == 0x8F

    def test_a_response_repeats_the_sequence_number_of_its_request(self) -> None:
        desk, peer = coordinator()
        desk.hear(peer.zdp(zdp.NodeDescriptorRequest(address=OURS), sequence=0x99))
        (frame,) = desk.apdus()
        assert (frame.payload[0], frame.cluster, frame.ack_request) == (0x99, 0x8002, True)

    @pytest.mark.parametrize(
        "request_",
        [
            zdp.NodeDescriptorRequest(address=UNKNOWN),
            zdp.PowerDescriptorRequest(address=UNKNOWN),
            zdp.SimpleDescriptorRequest(address=UNKNOWN, endpoint=1),
            zdp.ActiveEndpointsRequest(address=UNKNOWN),
            zdp.MatchDescriptorRequest(
                address=UNKNOWN, profile=0x0104, input_clusters=(), output_clusters=()
            ),
            zdp.IeeeAddressRequest(address=UNKNOWN),
            zdp.NwkAddressRequest(ieee=Eui64(0x99)),
        ],
    )
    def test_another_device_is_not_found_here(self, request_: zdp.Command) -> None:
        desk, peer = coordinator()
        (response,) = answer(desk, peer, request_)
        assert getattr(response, "status") == zdp.Status.DEVICE_NOT_FOUND  # noqa: B009  # a union of responses

    def test_endpoints_and_their_descriptors_are_shown(self) -> None:
        desk, peer = coordinator()
        answer(desk, peer, zdp.ActiveEndpointsRequest(address=OURS))
        answer(desk, peer, zdp.SimpleDescriptorRequest(address=OURS, endpoint=1))
        answer(desk, peer, zdp.SimpleDescriptorRequest(address=OURS, endpoint=9))
        endpoints, simple, missing = answer(
            desk, peer, zdp.SimpleDescriptorRequest(address=OURS, endpoint=0)
        )[:3]
        assert isinstance(endpoints, zdp.ActiveEndpointsResponse)
        assert endpoints.endpoints == (1,)
        assert isinstance(simple, zdp.SimpleDescriptorResponse)
        assert simple.descriptor == ENDPOINT
        assert isinstance(missing, zdp.SimpleDescriptorResponse)
        assert missing.status == zdp.Status.NOT_ACTIVE
        last = desk.zdp()[-1]
        assert isinstance(last, zdp.SimpleDescriptorResponse)
        assert last.status == zdp.Status.INVALID_EP

    @pytest.mark.parametrize(
        ("input_clusters", "output_clusters", "matched"),
        [((3,), (), (1,)), ((), (6,), (1,)), ((6,), (3,), ())],
    )
    def test_a_match_needs_a_cluster_in_the_same_direction(
        self, input_clusters: tuple[int, ...], output_clusters: tuple[int, ...], matched: tuple[int, ...]
    ) -> None:
        desk, peer = coordinator()
        request = zdp.MatchDescriptorRequest(
            address=OURS, profile=0x0104, input_clusters=input_clusters, output_clusters=output_clusters
        )
        (response,) = answer(desk, peer, request)
        assert isinstance(response, zdp.MatchDescriptorResponse)
        assert response.endpoints == matched

    def test_a_broadcast_match_that_finds_nothing_is_not_answered(self) -> None:
        desk, peer = coordinator()
        request = zdp.MatchDescriptorRequest(
            address=NwkAddress(0xFFFD), profile=0x9999, input_clusters=(1,), output_clusters=()
        )
        assert answer(desk, peer, request, 0xFFFD) == []

    def test_an_unknown_request_is_not_supported_and_an_unknown_response_is_no_request(self) -> None:
        desk, peer = coordinator()
        (response,) = answer(desk, peer, zdp.UnknownMessage(cluster=0x0077, octets=b""))
        assert response == zdp.UnknownMessage(cluster=0x8077, octets=b"\x84")
        desk.forget()
        assert answer(desk, peer, zdp.UnknownMessage(cluster=0x8077, octets=b"\x00")) == []

    def test_a_cut_request_is_dropped_with_a_reason(self) -> None:
        desk, peer = coordinator()
        desk.hear(peer.data(b"\x01", cluster=0x0002, profile=0, endpoint=0, ack=False))
        (reason,) = desk.dropped
        assert reason.startswith("zdp: ")

    def test_every_zdp_command_reaches_the_application_too(self) -> None:
        desk, peer = coordinator()
        answer(desk, peer, zdp.NodeDescriptorRequest(address=OURS))
        (cause,) = desk.indicated(zdo.CommandIndication)
        assert (cause.source, cause.device, cause.broadcast) == (peer.address, DEVICE, False)


class TestAddresses:
    def test_our_own_addresses_are_told(self) -> None:
        desk, peer = coordinator()
        answer(desk, peer, zdp.NwkAddressRequest(ieee=TRUST_CENTER), 0xFFFD)
        short, extended = answer(desk, peer, zdp.IeeeAddressRequest(address=OURS))
        assert short == zdp.NwkAddressResponse(status=0, ieee=TRUST_CENTER, address=OURS)
        assert extended == zdp.IeeeAddressResponse(status=0, ieee=TRUST_CENTER, address=OURS)

    def test_a_parent_answers_for_its_end_devices(self) -> None:
        desk, peer = coordinator()
        child = member(desk, Eui64(2), SLEEPY)
        answer(desk, peer, zdp.NwkAddressRequest(ieee=child.eui64), 0xFFFD)
        short, extended = answer(desk, peer, zdp.IeeeAddressRequest(address=child.address))
        assert short == zdp.NwkAddressResponse(status=0, ieee=child.eui64, address=child.address)
        assert extended == zdp.IeeeAddressResponse(status=0, ieee=child.eui64, address=child.address)

    def test_a_broadcast_for_somebody_else_is_left_to_them(self) -> None:
        desk, peer = coordinator()
        assert answer(desk, peer, zdp.NwkAddressRequest(ieee=Eui64(0x99)), 0xFFFD) == []


class TestAnnouncements:
    def announce(self, desk: Desk, peer: Peer, ieee: Eui64, address: int) -> None:
        command = zdp.DeviceAnnounce(ieee=ieee, address=NwkAddress(address), capability=0x8E)
        desk.hear(peer.zdp(command, 0xFFFD))

    def test_an_announcement_teaches_who_is_where(self) -> None:
        desk, peer = coordinator()
        self.announce(desk, peer, Eui64(0x77), 0x5555)
        assert desk.host.nwk.addresses.device_at(NwkAddress(0x5555)) == 0x77

    def test_a_neighbour_that_announces_another_address_has_moved_there(self) -> None:
        desk, peer = coordinator()
        self.announce(desk, peer, DEVICE, 0x5555)
        neighbor = desk.host.nwk.neighbors.find(NwkAddress(0x5555))
        assert neighbor is not None
        assert neighbor.device == DEVICE
        assert desk.host.nwk.neighbors.find(peer.address) is None
        assert desk.host.nwk.addresses.device_at(peer.address) is None

    def test_of_two_with_one_address_the_last_to_announce_has_it(self) -> None:
        desk, peer = coordinator()
        child = member(desk, Eui64(2), SLEEPY)
        self.announce(desk, peer, Eui64(0x77), child.address)
        assert desk.host.nwk.addresses.device_at(child.address) == 0x77
        assert desk.host.nwk.neighbors.find(child.address) is None

    @pytest.mark.parametrize("address", [0x0000, 0xFFFF, 0xFFFD])
    def test_an_address_that_nobody_else_can_have_is_not_learnt(self, address: int) -> None:
        desk, peer = coordinator()
        self.announce(desk, peer, Eui64(0x77), address)
        assert desk.dropped == [f"zdp: Device_annce of {Eui64(0x77)} with an address it cannot have"]
        assert desk.host.nwk.addresses.address_of(Eui64(0x77)) is None


@pytest.mark.tshark
class TestPower:
    """Wireshark's fields of the power descriptor (zbee_zdp.power.*) are asserted in tests/codec."""

    @pytest.mark.parametrize(
        ("capability", "battery"), [(0x8F, False), (0x8E, False), (0x88, True), (0x80, True)]
    )
    def test_who_has_no_mains_says_that_it_runs_on_a_battery(
        self, capability: int, battery: bool, tmp_path: Path
    ) -> None:
        desk = formed(capability=capability)
        (response,) = answer(desk, member(desk), zdp.PowerDescriptorRequest(address=OURS))
        assert isinstance(response, zdp.PowerDescriptorResponse)
        read = power(tmp_path / "power.pcap", zdp.encode(zdp.Message(sequence=1, command=response)))
        assert read == {
            "avail.ac": not battery,
            "avail.disp": battery,
            "source.ac": not battery,
            "source.dispose": battery,
            "level": 12,  # 100 %
        }


def power(path: Path, message: bytes) -> dict[str, int]:
    """What tshark reads of the power descriptor in a Power_Desc_rsp."""
    headers = bytes.fromhex("4188 00 621a 0000 b14a 0800 0000 b14a 1e 00 00 00 0380 0000 00 01")
    names = ("avail.ac", "avail.disp", "source.ac", "source.dispose", "level")
    write_pcap(path, [headers + message], 230)
    (reading,) = read(path, [f"zbee_zdp.power.{name}" for name in names])
    numbers = {name: reading[f"zbee_zdp.power.{name}"][0] for name in names}
    return {name: int({"True": "1", "False": "0"}.get(text, text), 0) for name, text in numbers.items()}


class TestManagement:
    @pytest.mark.parametrize(
        ("relationship", "address", "depth"),
        [
            (Relationship.CHILD, 0x1111, 3),
            (Relationship.UNAUTHENTICATED_CHILD, 0x1111, 3),
            (Relationship.PARENT, 0x1111, 1),
            (Relationship.SIBLING, 0x1111, 0x0F),
            (Relationship.SIBLING, 0x0000, 0),
        ],
    )
    def test_a_neighbors_depth_follows_from_what_it_is_to_us(
        self, relationship: Relationship, address: int, depth: int
    ) -> None:
        nib = Nib(eui64=DEVICE, device_type=DeviceType.ROUTER, capability=0x8E)
        nib.address, nib.depth = NwkAddress(0x2222), 2
        table = NeighborTable(4)
        table.add(
            Neighbor(
                device=Eui64(7),
                address=NwkAddress(address),
                is_router=True,
                receiver_on_when_idle=True,
                relationship=relationship,
            )
        )
        cause = zdo.CommandIndication(
            source=NwkAddress(0),
            device=None,
            broadcast=False,
            sequence=1,
            command=zdp.MgmtLqiRequest(start_index=0),
            security=apsde.NWK_ONLY,
        )
        (step,) = respond(cause, StackPolicy(), Describe(nib=nib, endpoints=(), neighbors=table)).steps
        assert isinstance(step.request, zdo.CommandRequest)
        assert isinstance(step.request.command, zdp.MgmtLqiResponse)
        assert step.request.command.table is not None
        assert [each.depth for each in step.request.command.table.neighbors] == [depth]

    def test_the_neighbor_table_is_told_page_by_page(self) -> None:
        desk, peer = coordinator()
        members = [peer, *(member(desk, Eui64(number), SLEEPY) for number in range(2, 6))]
        told: list[Eui64] = []
        while True:
            desk.forget()
            (response,) = answer(desk, peer, zdp.MgmtLqiRequest(start_index=len(told)))
            assert isinstance(response, zdp.MgmtLqiResponse)
            assert response.table is not None
            assert (response.table.total, response.table.start_index) == (5, len(told))
            if not response.table.neighbors:
                break
            told += [each.ieee for each in response.table.neighbors]
            assert max(map(len, desk.sent)) <= 125
        assert told == [each.eui64 for each in members]

    def test_a_neighbors_kind_is_told_as_the_field_has_it(self) -> None:
        desk, peer = coordinator()
        member(desk, Eui64(2), SLEEPY)
        (response,) = answer(desk, peer, zdp.MgmtLqiRequest(start_index=0))
        assert isinstance(response, zdp.MgmtLqiResponse)
        assert response.table is not None
        router, sleeper = response.table.neighbors
        assert (router.device_type, router.rx_on_when_idle, router.relationship) == (1, 1, 1)
        assert (sleeper.device_type, sleeper.rx_on_when_idle, sleeper.relationship) == (2, 0, 1)

    @pytest.mark.parametrize(("destination", "responses"), [(0x0000, 1), (0xFFFC, 0)])
    def test_a_permit_request_opens_joining_and_is_answered_if_it_was_for_us_alone(
        self, destination: int, responses: int
    ) -> None:
        desk, peer = coordinator()
        desk.request(nlme.PermitJoiningRequest(seconds=0))
        request = zdp.MgmtPermitJoiningRequest(duration=180, tc_significance=1)
        assert len(answer(desk, peer, request, destination)) == responses
        assert desk.host.nib.permit_until - desk.now == 180_000_000

    def test_a_permit_request_can_close_joining(self) -> None:
        desk, peer = coordinator()
        answer(desk, peer, zdp.MgmtPermitJoiningRequest(duration=0, tc_significance=1), 0xFFFC)
        assert not desk.host.nib.permits_joining(desk.now)

    @pytest.mark.parametrize(("revision", "open_"), [(22, False), (20, True)])
    def test_for_ever_is_for_ever_only_before_r21(self, revision: int, open_: bool) -> None:
        desk, peer = coordinator(stack_revision=revision)
        answer(desk, peer, zdp.MgmtPermitJoiningRequest(duration=0xFF, tc_significance=1))
        desk.run(255_000_000)
        assert desk.host.nib.permits_joining(desk.now) is open_

    def test_a_coordinator_does_not_leave(self) -> None:
        desk, peer = coordinator()
        (response,) = answer(desk, peer, zdp.MgmtLeaveRequest(device=TRUST_CENTER))
        assert response == zdp.MgmtLeaveResponse(status=zdp.Status.NOT_SUPPORTED)
        desk.run(1_000_000)
        assert desk.host.nib.started
