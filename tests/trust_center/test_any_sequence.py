"""Whatever comes up the stack, in whatever order and at whatever time: the engine stays sound."""

from __future__ import annotations

import contextlib
import typing

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from coordinator import primitives, trace
from coordinator.codec import zdp
from coordinator.codec.beacon import ZigbeePayload
from coordinator.codec.security_header import KeyIdentifier
from coordinator.primitives import Indication, apsde, apsme, bdb, mlme, nlme, trust_center, zdo
from coordinator.security.keys import verify_key_hash
from coordinator.trust_center.device import TRANSITIONS, Standing
from coordinator.trust_center.key_rotation import RotationRefused
from coordinator.trust_center.policy import RequireKeyExchange, TrustCenterPolicy
from coordinator.types import (
    BROADCAST_ALL,
    GLOBAL_LINK_KEY,
    SECOND,
    Channel,
    Eui64,
    ExtendedPanId,
    Key,
    LinkKeyKind,
    NwkAddress,
    PanId,
)
from tests.trust_center.bench import JOINER, ROUTER, Bench
from tests.trust_center.test_standing_table import REACH

CAPACITY = 3
LISTED = {(before.value, event.value, after.value) for (before, event), after in TRANSITIONS.items()}

eui64s = st.sampled_from([JOINER, ROUTER, Eui64(0), Eui64(1), Eui64(2**64 - 1)])
addresses = st.sampled_from([NwkAddress(address) for address in (0, 1, 2, 0x1234, 0xFFFD, 0xFFFF)])
octets = st.integers(0, 255)
keys = st.binary(min_size=16, max_size=16).map(Key)
hashes = st.one_of(st.just(verify_key_hash(GLOBAL_LINK_KEY)), st.binary(max_size=16))
security = st.builds(
    apsde.Security,
    nwk=st.booleans(),
    aps=st.none() | st.sampled_from(KeyIdentifier),
    link_key=st.none() | st.sampled_from(LinkKeyKind),
)
descriptors = st.builds(
    zdp.NodeDescriptor,
    logical_type=st.integers(0, 7),
    mac_capability=octets,
    manufacturer=st.integers(0, 0xFFFF),
    server_mask=st.integers(0, 0xFFFF),
    max_buffer=octets,
    max_incoming=st.just(255),
    max_outgoing=st.just(255),
)
commands: st.SearchStrategy[zdp.Command] = st.one_of(
    st.builds(zdp.DeviceAnnounce, address=addresses, ieee=eui64s, capability=octets),
    st.builds(zdp.NodeDescriptorRequest, address=addresses),
    st.builds(
        zdp.NodeDescriptorResponse,
        status=octets,
        address=st.none() | addresses,
        descriptor=st.none() | descriptors,
    ),
    st.builds(zdp.MgmtLeaveRequest, device=eui64s, flags=octets),
    st.builds(zdp.MgmtLeaveResponse, status=octets),
    st.builds(zdp.MgmtPermitJoiningRequest, duration=octets, tc_significance=octets),
    st.builds(zdp.UnknownMessage, cluster=st.just(0x7777), octets=st.binary(max_size=4)),
)
network = nlme.NetworkDescriptor(
    channel=Channel(15),
    pan_id=PanId(0x1A62),
    address=NwkAddress(0),
    association_permit=True,
    payload=ZigbeePayload(
        protocol_id=0,
        stack_profile=2,
        protocol_version=2,
        reserved=0,
        router_capacity=True,
        depth=0,
        end_device_capacity=True,
        extended_pan_id=ExtendedPanId(Eui64(1)),
        tx_offset=0xFFFFFF,
        update_id=0,
    ),
    lqi=255,
)
STRATEGIES: tuple[st.SearchStrategy[Indication], ...] = (
    st.builds(mlme.BeaconRequestIndication),
    st.builds(mlme.AssociateIndication, device=eui64s, capability=octets),
    st.builds(mlme.PollIndication, source=st.one_of(addresses, eui64s), device=st.none() | eui64s),
    st.builds(nlme.JoinIndication, device=eui64s, address=addresses, capability=octets),
    st.builds(nlme.LeaveIndication, device=st.none() | eui64s, address=addresses, rejoin=st.booleans()),
    st.builds(nlme.NetworkDiscoveryConfirm, networks=st.just((network,))),
    st.builds(nlme.JoinConfirm, status=st.sampled_from(nlme.JoinStatus), address=addresses),
    st.builds(
        apsde.DataIndication,
        source=addresses,
        device=st.none() | eui64s,
        destination=addresses,
        destination_endpoint=octets,
        profile=st.just(0x0104),
        cluster=st.just(0x0006),
        source_endpoint=octets,
        asdu=st.binary(max_size=3),
        security=security,
    ),
    st.builds(
        apsme.TransportKeyIndication,
        source=eui64s,
        device=eui64s,
        key_type=octets,
        key=keys,
        key_sequence=st.none() | octets,
        security=security,
    ),
    st.builds(
        apsme.UpdateDeviceIndication,
        parent=st.none() | eui64s,
        device=eui64s,
        address=addresses,
        status=st.integers(0, 7),
        security=security,
    ),
    st.builds(apsme.RemoveDeviceIndication, source=st.none() | eui64s, target=eui64s, security=security),
    st.builds(
        apsme.RequestKeyIndication,
        device=eui64s,
        address=addresses,
        key_type=st.sampled_from([0x01, 0x02, 0x04, 0xFF]),
        partner=st.none() | eui64s,
        security=security,
    ),
    st.builds(
        apsme.VerifyKeyIndication,
        device=st.none() | eui64s,
        address=addresses,
        key_type=st.sampled_from([0x01, 0x03, 0x04]),
        source=eui64s,
        hash=hashes,
        security=security,
    ),
    st.builds(
        apsme.ConfirmKeyIndication,
        source=st.none() | eui64s,
        status=octets,
        key_type=octets,
        device=eui64s,
        security=security,
    ),
    st.builds(apsme.SwitchKeyIndication, source=st.none() | eui64s, sequence=octets, security=security),
    st.builds(
        zdo.CommandIndication,
        source=addresses,
        device=st.none() | eui64s,
        broadcast=st.booleans(),
        sequence=octets,
        command=commands,
        security=security,
    ),
    st.builds(bdb.NodeJoinTimeoutIndication, device=eui64s, address=addresses),
    st.builds(trust_center.NetworkKeyUpdateIndication, key=keys, sequence=octets),
)
indications = st.one_of(*STRATEGIES)


def test_the_strategies_are_of_every_indication_there_is() -> None:
    made = {type(find(strategy, lambda _: True)) for strategy in STRATEGIES}
    assert made == set(typing.get_args(primitives.Indication))


@settings(max_examples=25)
@pytest.mark.parametrize("standing", Standing)
@given(data=st.data())
def test_every_indication_in_every_standing_ends_in_listed_transitions(
    standing: Standing, data: st.DataObject
) -> None:
    for strategy in STRATEGIES:
        bench = Bench()
        REACH[standing](bench)
        bench.services.records.clear()
        bench.engine.indicate(data.draw(strategy), bench.now)
        bench.advance(60 * SECOND)
        assert set(bench.changes()) <= LISTED


class AnySequence(RuleBasedStateMachine):
    """A Trust Center among devices that do anything at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(TrustCenterPolicy(device_capacity=CAPACITY))
        self.given: dict[Eui64, int | None] = {}

    @rule(indication=indications)
    def anything(self, indication: Indication) -> None:
        self.bench.engine.indicate(indication, self.bench.now)

    @rule(device=eui64s, address=addresses)
    def join(self, device: Eui64, address: NwkAddress) -> None:
        self.bench.join(device, address)

    @rule(device=eui64s, address=addresses)
    def secure_join(self, device: Eui64, address: NwkAddress) -> None:
        self.bench.secure_join(device, address)
        assert self.bench.standing(device) is Standing.VERIFIED

    @rule(device=eui64s, address=addresses)
    def request(self, device: Eui64, address: NwkAddress) -> None:
        self.bench.request_key(device=device, address=address)

    @rule(device=eui64s, address=addresses)
    def verify(self, device: Eui64, address: NwkAddress) -> None:
        entry = self.bench.services.link_keys.find(device)
        if entry is not None and entry.pending is not None:
            self.bench.verify(entry.pending.key, device, address)

    @rule(device=eui64s, address=addresses, rejoin=st.booleans())
    def leave(self, device: Eui64, address: NwkAddress, rejoin: bool) -> None:
        self.bench.leave(device, address, rejoin=rejoin)

    @rule(key=keys)
    def rotate(self, key: Key) -> None:
        with contextlib.suppress(RotationRefused):
            self.bench.engine.key_rotation.begin(key, self.bench.now)

    @rule(device=eui64s)
    def forget(self, device: Eui64) -> None:
        self.bench.engine.forget(device, self.bench.now)
        assert self.bench.standing(device) is Standing.UNKNOWN

    @rule(seconds=st.sampled_from([0, 1, 2, 15, 100]))
    def wait(self, seconds: int) -> None:
        self.bench.advance(seconds * SECOND)

    @rule(required=st.sampled_from(RequireKeyExchange))
    def another_requirement(self, required: RequireKeyExchange) -> None:
        policy = TrustCenterPolicy(device_capacity=CAPACITY, require_key_exchange=required)
        standing = self.bench.engine._policy
        standing.base = policy
        standing.apply(())

    @invariant()
    def no_key_goes_out_without_its_protection(self) -> None:
        for request in self.bench.requests():
            if isinstance(request, apsme.TransportKeyRequest):
                if request.key_type == 0x01 and request.protection is None:
                    assert request.address == BROADCAST_ALL
                    assert request.nwk_secured
                elif request.key_type == 0x01 and request.nwk_secured:
                    assert request.protection is KeyIdentifier.KEY_TRANSPORT
                    assert request.key_sequence != self.given.get(request.device)
                elif request.key_type == 0x01:
                    self.given[request.device] = request.key_sequence
                    assert request.protection is KeyIdentifier.KEY_TRANSPORT
                    assert not request.nwk_secured
                else:
                    assert request.key_type == 0x04
                    assert request.protection is KeyIdentifier.KEY_LOAD
                    assert request.nwk_secured
                    assert request.key != GLOBAL_LINK_KEY
            if isinstance(request, apsme.ConfirmKeyRequest) and request.status == 0x00:
                assert request.protection is KeyIdentifier.DATA
                assert self.bench.services.link_keys.entry(request.device).current.key != GLOBAL_LINK_KEY

    @invariant()
    def every_change_of_standing_is_listed(self) -> None:
        for change in self.bench.changes():
            assert change in LISTED
        self.bench.services.records = [
            record for record in self.bench.services.records if isinstance(record, trace.Deviated)
        ]
        assert self.bench.services.records == []

    @invariant()
    def tables_and_timers_are_bounded(self) -> None:
        assert len(self.bench.engine.devices) <= CAPACITY
        deadline = self.bench.services.timers.next_deadline()
        assert deadline is None or deadline <= self.bench.now + 15 * SECOND

    def teardown(self) -> None:
        """In the end it comes to rest by itself."""
        self.bench.advance(60 * SECOND)
        assert self.bench.services.timers.next_deadline() is None


TestAnySequence = AnySequence.TestCase
TestAnySequence.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
