"""Every ZDP request and response."""

from __future__ import annotations

from hypothesis import strategies as st

from coordinator.codec import zdp
from coordinator.types import ExtendedPanId
from tests.codec.strategies import (
    ADDRESS,
    ADDRESSES,
    CLUSTERS,
    ENDPOINTS,
    EUI64,
    FAILURE,
    TRAILING,
    U8,
    U16,
    U32,
)

NODE_DESCRIPTORS = st.builds(
    zdp.NodeDescriptor,
    logical_type=st.integers(0, 7),
    mac_capability=U8,
    manufacturer=U16,
    server_mask=U16,
    max_buffer=U8,
    max_incoming=U16,
    max_outgoing=U16,
    descriptor_capability=U8,
    complex_available=st.booleans(),
    user_available=st.booleans(),
    reserved=st.integers(0, 7),
    aps_flags=st.integers(0, 7),
    frequency_band=st.integers(0, 31),
)

SIMPLE_DESCRIPTORS = st.builds(
    zdp.SimpleDescriptor,
    endpoint=U8,
    profile=U16,
    device=U16,
    version=U8,
    input_clusters=CLUSTERS,
    output_clusters=CLUSTERS,
    trailing=TRAILING,
)

NEIGHBORS = st.builds(
    zdp.Neighbor,
    extended_pan_id=EUI64.map(ExtendedPanId),
    ieee=EUI64,
    address=ADDRESS,
    kind=U8,
    permit_joining=U8,
    depth=U8,
    lqi=U8,
)

ZDP_REQUESTS = st.one_of(
    st.builds(zdp.NwkAddressRequest, ieee=EUI64, request_type=U8, start_index=U8, trailing=TRAILING),
    st.builds(zdp.IeeeAddressRequest, address=ADDRESS, request_type=U8, start_index=U8, trailing=TRAILING),
    st.builds(zdp.NodeDescriptorRequest, address=ADDRESS, trailing=TRAILING),
    st.builds(zdp.PowerDescriptorRequest, address=ADDRESS, trailing=TRAILING),
    st.builds(zdp.SimpleDescriptorRequest, address=ADDRESS, endpoint=U8, trailing=TRAILING),
    st.builds(zdp.ActiveEndpointsRequest, address=ADDRESS, trailing=TRAILING),
    st.builds(
        zdp.MatchDescriptorRequest,
        address=ADDRESS,
        profile=U16,
        input_clusters=CLUSTERS,
        output_clusters=CLUSTERS,
        trailing=TRAILING,
    ),
    st.builds(zdp.DeviceAnnounce, address=ADDRESS, ieee=EUI64, capability=U8, trailing=TRAILING),
    st.builds(zdp.ParentAnnounce, children=st.lists(EUI64, max_size=4).map(tuple), trailing=TRAILING),
    st.builds(zdp.MgmtLqiRequest, start_index=U8, trailing=TRAILING),
    st.builds(zdp.MgmtLeaveRequest, device=EUI64, flags=U8, trailing=TRAILING),
    st.builds(zdp.MgmtPermitJoiningRequest, duration=U8, tc_significance=U8, trailing=TRAILING),
    st.builds(
        zdp.MgmtNwkUpdateRequest,
        channels=U32,
        scan_duration=st.integers(0, 5),
        scan_count=U8,
        trailing=TRAILING,
    ),
    st.builds(zdp.MgmtNwkUpdateRequest, channels=U32, scan_duration=st.integers(6, 0xFD), trailing=TRAILING),
    st.builds(
        zdp.MgmtNwkUpdateRequest,
        channels=U32,
        scan_duration=st.just(0xFF),
        nwk_update_id=U8,
        nwk_manager=ADDRESS,
        trailing=TRAILING,
    ),
    st.builds(zdp.UnknownMessage, cluster=st.sampled_from([0x0021, 0x0022, 0x8021, 0xFFFF]), octets=TRAILING),
)

ZDP_RESPONSES = st.one_of(
    *(
        st.builds(
            response,
            status=U8,
            ieee=EUI64,
            address=ADDRESS,
            associated=ADDRESSES,
            start_index=U8,
            trailing=TRAILING,
        )
        for response in (zdp.NwkAddressResponse, zdp.IeeeAddressResponse)
    ),
    st.builds(zdp.IeeeAddressResponse, status=FAILURE, ieee=st.none(), address=st.none()),
    st.builds(
        zdp.NodeDescriptorResponse,
        status=st.just(0),
        address=ADDRESS,
        descriptor=NODE_DESCRIPTORS,
        trailing=TRAILING,
    ),
    st.builds(zdp.NodeDescriptorResponse, status=FAILURE, address=ADDRESS, trailing=TRAILING),
    st.builds(zdp.NodeDescriptorResponse, status=FAILURE, address=st.none()),
    st.builds(
        zdp.PowerDescriptorResponse, status=st.just(0), address=ADDRESS, descriptor=U16, trailing=TRAILING
    ),
    st.builds(
        zdp.SimpleDescriptorResponse,
        status=st.just(0),
        address=ADDRESS,
        descriptor=SIMPLE_DESCRIPTORS,
        trailing=TRAILING,
    ),
    st.builds(
        zdp.SimpleDescriptorResponse,
        status=FAILURE,
        address=ADDRESS,
        zero_length=st.just(True),
        trailing=TRAILING,
    ),
    *(
        st.builds(response, status=U8, address=ADDRESS, endpoints=ENDPOINTS, trailing=TRAILING)
        for response in (zdp.ActiveEndpointsResponse, zdp.MatchDescriptorResponse)
    ),
    st.builds(zdp.ActiveEndpointsResponse, status=FAILURE, address=ADDRESS, endpoints=st.none()),
    st.builds(
        zdp.ParentAnnounceResponse,
        status=U8,
        children=st.lists(EUI64, max_size=4).map(tuple),
        trailing=TRAILING,
    ),
    st.builds(
        zdp.MgmtLqiResponse,
        status=st.just(0),
        table=st.builds(
            zdp.NeighborTable, total=U8, start_index=U8, neighbors=st.lists(NEIGHBORS, max_size=3).map(tuple)
        ),
        trailing=TRAILING,
    ),
    st.builds(zdp.MgmtLqiResponse, status=FAILURE, trailing=TRAILING),
    st.builds(zdp.MgmtLeaveResponse, status=U8, trailing=TRAILING),
    st.builds(zdp.MgmtPermitJoiningResponse, status=U8, trailing=TRAILING),
    st.builds(
        zdp.MgmtNwkUpdateResponse,
        status=U8,
        channels=U32,
        transmissions=U16,
        failures=U16,
        energies=ENDPOINTS,
        trailing=TRAILING,
    ),
    st.builds(zdp.MgmtNwkUpdateResponse, status=FAILURE, energies=st.none()),
)
