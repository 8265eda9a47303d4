"""The values that fill the fields of every layer, and the frames made of them."""

from __future__ import annotations

from hypothesis import strategies as st

from coordinator.codec import aps, mac, nwk, security_header
from coordinator.types import Eui64, Key, NwkAddress, PanId

U8 = st.integers(0, 0xFF)
U16 = st.integers(0, 0xFFFF)
U32 = st.integers(0, 0xFFFFFFFF)
EUI64 = st.integers(0, 2**64 - 1).map(Eui64)
ADDRESS = U16.map(NwkAddress)
PAN = U16.map(PanId)
KEY = st.binary(min_size=16, max_size=16).map(Key)
TRAILING = st.binary(max_size=8)
ADDRESSES = st.lists(ADDRESS, max_size=6).map(tuple)
CLUSTERS = st.lists(U16, max_size=6).map(tuple)
ENDPOINTS = st.lists(U8, max_size=6).map(tuple)
FAILURE = st.integers(1, 0xFF)


@st.composite
def mac_frames(draw: st.DrawFn) -> mac.Frame:
    modes = st.sampled_from([mac.AddressMode.NONE, mac.AddressMode.SHORT, mac.AddressMode.EXTENDED])
    to, of, compression = draw(modes), draw(modes), draw(st.booleans())
    control = mac.frame_control(
        draw(st.sampled_from(mac.FrameType)),
        ack_request=draw(st.booleans()),
        frame_pending=draw(st.booleans()),
        pan_id_compression=compression,
        destination_mode=to,
        source_mode=of,
        version=draw(st.integers(0, 1)),
        security_enabled=draw(st.booleans()),
    )
    fields = {
        mac.AddressMode.NONE: st.none(),
        mac.AddressMode.SHORT: ADDRESS,
        mac.AddressMode.EXTENDED: EUI64,
    }
    return mac.Frame(
        control,
        draw(U8),
        draw(PAN) if to else None,
        draw(fields[to]),
        draw(PAN) if of and not (to and compression) else None,
        draw(fields[of]),
        draw(TRAILING),
    )


@st.composite
def auxiliary_headers(draw: st.DrawFn) -> security_header.AuxiliaryHeader:
    identifier = draw(st.sampled_from(security_header.KeyIdentifier))
    extended = draw(st.booleans())
    control = security_header.control(
        key_identifier=identifier, extended_nonce=extended, level=draw(st.integers(0, 7))
    )
    network = identifier is security_header.KeyIdentifier.NETWORK
    return security_header.AuxiliaryHeader(
        control | draw(st.sampled_from([0, 0x40, 0x80])),
        draw(U32),
        draw(EUI64) if extended else None,
        draw(U8) if network else None,
    )


@st.composite
def nwk_frames(draw: st.DrawFn) -> nwk.Frame:
    secured, multicast, routed, to, of = (draw(st.booleans()) for _ in range(5))
    control = nwk.frame_control(
        draw(st.sampled_from([nwk.FrameType.DATA, nwk.FrameType.COMMAND])),
        version=draw(st.integers(0, 15)),
        discover_route=draw(st.integers(0, 3)),
        multicast=multicast,
        secured=secured,
        source_route=routed,
        destination_ieee=to,
        source_ieee=of,
        end_device_initiator=draw(st.booleans()),
    )
    return nwk.Frame(
        control,
        draw(ADDRESS),
        draw(ADDRESS),
        draw(U8),
        draw(U8),
        draw(EUI64) if to else None,
        draw(EUI64) if of else None,
        draw(U8) if multicast else None,
        draw(U8) if routed else None,
        draw(ADDRESSES) if routed else (),
        draw(auxiliary_headers()) if secured else None,
        draw(TRAILING),
    )


@st.composite
def aps_frames(draw: st.DrawFn) -> aps.Frame:
    kind = draw(st.sampled_from([aps.FrameType.DATA, aps.FrameType.COMMAND, aps.FrameType.ACK]))
    delivery = draw(st.sampled_from(aps.DeliveryMode))
    ack_format, secured, extended = (draw(st.booleans()) for _ in range(3))
    control = aps.frame_control(
        kind,
        delivery=delivery,
        ack_format=ack_format,
        secured=secured,
        ack_request=draw(st.booleans()),
        extended=extended,
    )
    addressed = kind is aps.FrameType.DATA or (kind is aps.FrameType.ACK and not ack_format)
    group = delivery is aps.DeliveryMode.GROUP
    fragmentation = draw(st.integers(0, 3))
    header = aps.ExtendedHeader(
        fragmentation,
        draw(U8) if fragmentation else None,
        draw(U8) if fragmentation and kind is aps.FrameType.ACK else None,
    )
    return aps.Frame(
        control,
        draw(U8) if addressed and not group else None,
        draw(U16) if addressed and group else None,
        draw(U16) if addressed else None,
        draw(U16) if addressed else None,
        draw(U8) if addressed else None,
        draw(U8),
        header if extended else None,
        draw(auxiliary_headers()) if secured else None,
        draw(TRAILING),
    )
