"""NWK and APS frame protection: the vectors of protocol.md 1.4, identity, and one flipped bit."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.codec import aps as aps_codec
from coordinator.codec import nwk as nwk_codec
from coordinator.codec import security_header
from coordinator.codec.cursor import DecodeError
from coordinator.codec.security_header import AuxiliaryHeader, KeyIdentifier
from coordinator.security import aes, aps, nwk, suites
from coordinator.types import GLOBAL_LINK_KEY, Eui64, Key, NwkAddress

TRUST_CENTER = Eui64.parse("00124b0001020304")
DEVICE = Eui64.parse("f4ce360011223344")
NETWORK_KEY = Key(bytes(range(16)))
NEW_KEY = Key(bytes(range(0xA0, 0xB0)))
# Address fields of Transport-Key as they are on air, least significant octet first.
TO_DEVICE = "443322110036cef4"
FROM_TRUST_CENTER = "04030201004b1200"

TRANSPORT_NETWORK_KEY = (
    "2110300010000004030201004b1200463d234530eb915d404428f41f25b893ae"
    "05f083b0b867a0b30dfe5473a80d22e73aa8343d3316"
)
REQUEST_KEY = "21812000200000443322110036cef412209b293a2d"
TRANSPORT_NEW_KEY = (
    "2111380110000004030201004b120011774f46286aea76ef9e161e747b3fb69f"
    "be438566b6a62dc824d329aca359b7ed17accd1ced"
)
TRANSPORT_REUSED_KEY = (
    "2111380110000004030201004b12001177b58eed8b2bb60855d2debfbef07e01"
    "28438566b6a62dc824d329aca359b7ed17fb58d14e"
)
CONFIRM_KEY = "6112200210000004030201004b12003a13134a62f010e93b5649811e6277"
NWK_AROUND_REQUEST_KEY = (
    "4802000034121e552800300000443322110036cef400b669752603ac163f2e904478607a37e6b106a98dd3c934a489"
)

APS_VECTORS = [
    pytest.param(
        TRANSPORT_NETWORK_KEY,
        GLOBAL_LINK_KEY,
        f"0501{NETWORK_KEY.octets.hex()}00{TO_DEVICE}{FROM_TRUST_CENTER}",
        id="Transport-Key of the network key under the key-transport key",
    ),
    pytest.param(REQUEST_KEY, GLOBAL_LINK_KEY, "0804", id="Request-Key under the data key"),
    pytest.param(
        TRANSPORT_NEW_KEY,
        GLOBAL_LINK_KEY,
        f"0504{NEW_KEY.octets.hex()}{TO_DEVICE}{FROM_TRUST_CENTER}",
        id="Transport-Key of a new link key under the key-load key",
    ),
    pytest.param(
        TRANSPORT_REUSED_KEY,
        GLOBAL_LINK_KEY,
        f"0504{GLOBAL_LINK_KEY.octets.hex()}{TO_DEVICE}{FROM_TRUST_CENTER}",
        id="Transport-Key of the global link key under the key-load key",
    ),
    pytest.param(CONFIRM_KEY, NEW_KEY, f"100004{TO_DEVICE}", id="Confirm-Key under the new key"),
]

MIC_LEVELS = [level for level in aes.Level if aes.MIC_LENGTHS[level]]
levels = st.sampled_from(aes.Level)
mic_levels = st.sampled_from(MIC_LEVELS)
sources = st.integers(0, 2**64 - 1).map(Eui64)
counters = st.integers(0, 2**32 - 1)
payloads = st.binary(max_size=80)


@st.composite
def auxiliary_headers(draw: st.DrawFn, source: Eui64) -> AuxiliaryHeader:
    identifier = draw(st.sampled_from(KeyIdentifier))
    extended = draw(st.booleans())
    control = security_header.control(key_identifier=identifier, extended_nonce=extended)
    control |= draw(st.sampled_from([0x00, 0x40, 0x80, 0xC0]))
    sequence = draw(st.integers(0, 255)) if identifier is KeyIdentifier.NETWORK else None
    return AuxiliaryHeader(control, draw(counters), source if extended else None, sequence)


@st.composite
def nwk_frames(draw: st.DrawFn, source: Eui64) -> nwk_codec.Frame:
    octet, short = st.integers(0, 255), st.integers(0, 0xFFFF).map(NwkAddress)
    to_ieee, from_ieee = draw(st.none() | sources), draw(st.none() | sources)
    relays = draw(st.none() | st.lists(short, max_size=5).map(tuple))
    control = nwk_codec.frame_control(
        draw(st.sampled_from([nwk_codec.FrameType.DATA, nwk_codec.FrameType.COMMAND])),
        secured=True,
        source_route=relays is not None,
        destination_ieee=to_ieee is not None,
        source_ieee=from_ieee is not None,
    )
    return nwk_codec.Frame(
        control,
        draw(short),
        draw(short),
        draw(octet),
        draw(octet),
        to_ieee,
        from_ieee,
        None,
        None if relays is None else 0,
        relays or (),
        draw(auxiliary_headers(source)),
        draw(payloads),
    )


@st.composite
def aps_frames(draw: st.DrawFn, source: Eui64) -> aps_codec.Frame:
    octet, word = st.integers(0, 255), st.integers(0, 0xFFFF)
    security, payload = draw(auxiliary_headers(source)), draw(payloads)
    if draw(st.booleans()):
        control = aps_codec.frame_control(aps_codec.FrameType.COMMAND, secured=True)
        return aps_codec.Frame(control, None, None, None, None, None, draw(octet), None, security, payload)
    control = aps_codec.frame_control(aps_codec.FrameType.DATA, secured=True, ack_request=True)
    return aps_codec.Frame(
        control,
        draw(octet),
        None,
        draw(word),
        draw(word),
        draw(octet),
        draw(octet),
        None,
        security,
        payload,
    )


class TestVectors:
    @pytest.mark.parametrize(("octets", "key", "payload"), APS_VECTORS)
    def test_an_aps_vector_unprotects_to_its_command(self, octets: str, key: Key, payload: str) -> None:
        frame = aps_codec.decode(bytes.fromhex(octets))
        cipher, source = cipher_and_source(frame, key)
        opened = aps.unprotect(bytes.fromhex(octets), frame, cipher, source)
        assert opened.hex() == payload

    @pytest.mark.parametrize(("octets", "key", "payload"), APS_VECTORS)
    def test_an_aps_vector_is_what_protecting_its_command_gives(
        self, octets: str, key: Key, payload: str
    ) -> None:
        frame = aps_codec.decode(bytes.fromhex(octets))
        cipher, source = cipher_and_source(frame, key)
        plain = frame._replace(payload=bytes.fromhex(payload))
        assert aps.protect(plain, cipher, source).hex() == octets

    def test_the_nwk_vector_unprotects_to_the_request_key_frame_and_back(self) -> None:
        octets = bytes.fromhex(NWK_AROUND_REQUEST_KEY)
        frame = nwk_codec.decode(octets)
        cipher = aes.Ccm(NETWORK_KEY)
        assert nwk.unprotect(octets, frame, cipher, DEVICE).hex() == REQUEST_KEY
        plain = frame._replace(payload=bytes.fromhex(REQUEST_KEY))
        assert nwk.protect(plain, cipher, DEVICE) == octets

    def test_the_unprotected_verify_key_vector_carries_the_hash_of_the_new_key(self) -> None:
        verify_key = "01820f04443322110036cef4910713a83109c2091b23c4207fdcadb0"
        frame = aps_codec.decode(bytes.fromhex(verify_key))
        assert frame.security is None
        assert frame.payload[-16:] == suites.suite(NEW_KEY).verify_hash

    def test_a_wrong_key_of_the_hierarchy_does_not_open_a_vector(self) -> None:
        octets = bytes.fromhex(TRANSPORT_NEW_KEY)
        suite = suites.suite(GLOBAL_LINK_KEY)
        for cipher in (suite.data, suite.key_transport, suites.suite(NEW_KEY).key_load):
            with pytest.raises(aes.InvalidMic):
                aps.unprotect(octets, aps_codec.decode(octets), cipher, TRUST_CENTER)


class TestIdentity:
    @given(sources, levels, st.data())
    def test_a_protected_nwk_frame_unprotects_at_its_level(
        self, source: Eui64, level: aes.Level, data: st.DataObject
    ) -> None:
        frame = data.draw(nwk_frames(source))
        cipher = aes.Ccm(NETWORK_KEY)
        octets = nwk.protect(frame, cipher, source, level)
        heard = nwk_codec.decode(octets)
        assert heard.security == frame.security
        assert nwk.unprotect(octets, heard, cipher, source, level) == frame.payload

    @given(sources, levels, st.data())
    def test_a_protected_aps_frame_unprotects_at_its_level(
        self, source: Eui64, level: aes.Level, data: st.DataObject
    ) -> None:
        frame = data.draw(aps_frames(source))
        cipher = aes.Ccm(NEW_KEY)
        octets = aps.protect(frame, cipher, source, level)
        heard = aps_codec.decode(octets)
        assert heard.security == frame.security
        assert aps.unprotect(octets, heard, cipher, source, level) == frame.payload

    @given(sources, levels, st.integers(0, 7), st.data())
    def test_level_bits_on_air_change_nothing_for_a_receiver_that_knows_its_level(
        self, source: Eui64, level: aes.Level, on_air: int, data: st.DataObject
    ) -> None:
        frame = data.draw(nwk_frames(source))
        cipher = aes.Ccm(NETWORK_KEY)
        octets = nwk.protect(frame, cipher, source, level, level_on_air=on_air)
        heard = nwk_codec.decode(octets)
        assert heard.security is not None
        assert heard.security.level == on_air
        assert nwk.unprotect(octets, heard, cipher, source, level) == frame.payload

    @given(sources, levels, st.data())
    def test_a_receiver_without_a_level_believes_the_one_on_air(
        self, source: Eui64, level: aes.Level, data: st.DataObject
    ) -> None:
        frame = data.draw(aps_frames(source))
        cipher = aes.Ccm(NEW_KEY)
        octets = aps.protect(frame, cipher, source, level, level_on_air=level)
        assert aps.unprotect(octets, aps_codec.decode(octets), cipher, source, None) == frame.payload

    @pytest.mark.parametrize("level", [aes.Level.MIC_32, aes.Level.ENC_MIC_64])
    def test_a_frame_of_another_level_is_an_invalid_mic(self, level: aes.Level) -> None:
        octets = bytes.fromhex(NWK_AROUND_REQUEST_KEY)
        with pytest.raises(aes.InvalidMic):
            nwk.unprotect(octets, nwk_codec.decode(octets), aes.Ccm(NETWORK_KEY), DEVICE, level)


class TestOneFlippedBit:
    @given(sources, mic_levels, st.data())
    def test_never_unprotects_in_an_nwk_frame(
        self, source: Eui64, level: aes.Level, data: st.DataObject
    ) -> None:
        cipher = aes.Ccm(NETWORK_KEY)
        frame = data.draw(nwk_frames(source))
        octets = nwk.protect(frame, cipher, source, level)
        changed = flip(octets, data.draw(st.integers(0, 8 * len(octets) - 1)))
        try:
            heard = nwk_codec.decode(changed)
        except DecodeError:
            return
        if heard.security is None:
            return
        without_level = heard.security._replace(control=heard.security.control & ~7)
        if heard._replace(security=without_level) == nwk_codec.decode(octets):
            return  # Only the level on air differs, which the receiver overwrites.
        with pytest.raises(aes.InvalidMic):
            nwk.unprotect(changed, heard, cipher, source, level)

    @given(sources, mic_levels, st.data())
    def test_never_unprotects_in_an_aps_frame(
        self, source: Eui64, level: aes.Level, data: st.DataObject
    ) -> None:
        cipher = aes.Ccm(NEW_KEY)
        frame = data.draw(aps_frames(source))
        octets = aps.protect(frame, cipher, source, level)
        changed = flip(octets, data.draw(st.integers(0, 8 * len(octets) - 1)))
        try:
            heard = aps_codec.decode(changed)
        except DecodeError:
            return
        if heard.security is None:
            return
        without_level = heard.security._replace(control=heard.security.control & ~7)
        if heard._replace(security=without_level) == aps_codec.decode(octets):
            return  # Only the level on air differs, which the receiver overwrites.
        with pytest.raises(aes.InvalidMic):
            aps.unprotect(changed, heard, cipher, source, level)

    @pytest.mark.parametrize("bit", range(8 * 47))
    def test_never_unprotects_in_the_nwk_vector_but_for_the_level_on_air(self, bit: int) -> None:
        changed = flip(bytes.fromhex(NWK_AROUND_REQUEST_KEY), bit)
        level_bits = range(64, 67)
        secured_bit = 9
        try:
            frame = nwk_codec.decode(changed)
        except DecodeError:
            return
        if bit == secured_bit:
            assert frame.security is None
        elif bit in level_bits:
            assert nwk.unprotect(changed, frame, aes.Ccm(NETWORK_KEY), DEVICE).hex() == REQUEST_KEY
        else:
            with pytest.raises(aes.InvalidMic):
                nwk.unprotect(changed, frame, aes.Ccm(NETWORK_KEY), DEVICE)


class TestHostileOctets:
    @given(st.binary(max_size=127).map(lambda octets: b"\x08\x02" + octets), st.none() | levels)
    def test_an_nwk_frame_of_any_octets_is_an_invalid_mic_at_worst(
        self, octets: bytes, level: aes.Level | None
    ) -> None:
        with contextlib.suppress(DecodeError, aes.InvalidMic):
            frame = nwk_codec.decode(octets)
            opened = nwk.unprotect(octets, frame, aes.Ccm(NETWORK_KEY), DEVICE, level)
            assert len(opened) <= len(frame.payload)

    @given(
        st.sampled_from([b"\x21", b"\x61", b"\x20", b"\xa0", b"\x2c", b"\x22"]),
        st.binary(max_size=127),
        st.none() | levels,
    )
    def test_an_aps_frame_of_any_octets_is_an_invalid_mic_at_worst(
        self, control: bytes, rest: bytes, level: aes.Level | None
    ) -> None:
        with contextlib.suppress(DecodeError, aes.InvalidMic):
            frame = aps_codec.decode(control + rest)
            opened = aps.unprotect(control + rest, frame, aes.Ccm(NEW_KEY), DEVICE, level)
            assert len(opened) <= len(frame.payload)


class TestMisuse:
    def test_a_frame_without_an_auxiliary_header_is_our_bug(self) -> None:
        cipher = aes.Ccm(NETWORK_KEY)
        plain_nwk = nwk_codec.decode(bytes.fromhex("4800000034121e55") + b"data")
        plain_aps = aps_codec.decode(bytes.fromhex("0181") + b"data")
        with pytest.raises(ValueError, match="auxiliary header"):
            nwk.protect(plain_nwk, cipher, DEVICE)
        with pytest.raises(ValueError, match="auxiliary header"):
            nwk.unprotect(b"", plain_nwk, cipher, DEVICE)
        with pytest.raises(ValueError, match="auxiliary header"):
            aps.protect(plain_aps, cipher, DEVICE)
        with pytest.raises(ValueError, match="auxiliary header"):
            aps.unprotect(b"", plain_aps, cipher, DEVICE)


class TestSuites:
    def test_equal_keys_share_one_suite_and_its_ciphers(self) -> None:
        first = suites.suite(Key(b"ZigBeeAlliance09"))
        assert suites.suite(Key(b"ZigBeeAlliance09")) is first
        assert first.key_load is first.key_load
        assert first.cipher(KeyIdentifier.KEY_LOAD) is first.key_load

    def test_the_network_key_identifier_names_no_link_key(self) -> None:
        with pytest.raises(ValueError, match="key identifier 1"):
            suites.suite(GLOBAL_LINK_KEY).cipher(KeyIdentifier.NETWORK)


def flip(octets: bytes, bit: int) -> bytes:
    changed = bytearray(octets)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def cipher_and_source(frame: aps_codec.Frame, key: Key) -> tuple[aes.Ccm, Eui64]:
    """What the auxiliary header of a vector says it was protected with, and by whom."""
    assert frame.security is not None
    assert frame.security.source is not None
    return suites.suite(key).cipher(frame.security.key_identifier), frame.security.source
