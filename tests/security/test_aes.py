"""CCM*, AES-MMO and the keyed hash against published vectors (protocol.md 1.3 and 1.4)."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from coordinator.security import aes
from coordinator.types import Key

RFC_3610_KEY = Key(bytes(range(0xC0, 0xD0)))
ALLIANCE = Key(b"ZigBeeAlliance09")
WITH_MIC = [level for level in aes.Level if aes.MIC_LENGTHS[level]]
OTHER_MIC_OCTETS = [aes.Level.MIC_32, aes.Level.ENC_MIC_32]

keys = st.binary(min_size=16, max_size=16).map(Key)
nonces = st.binary(min_size=13, max_size=13)
short = st.binary(max_size=100)
levels = st.sampled_from(aes.Level)


@pytest.mark.parametrize(
    ("number", "nonce", "length", "sealed"),
    [
        (
            1,
            "00000003020100a0a1a2a3a4a5",
            23,
            "588c979a61c663d2f066d0c2c0f989806d5f6b61dac384 17e8d12cfdf926e0",
        ),
        (
            2,
            "00000004030201a0a1a2a3a4a5",
            24,
            "72c91a36e135f8cf291ca894085c87e3cc15c439c9e43a3b a091d56e10400916",
        ),
        (
            3,
            "00000005040302a0a1a2a3a4a5",
            25,
            "51b1e5f44a197d1da46b0f8e2d282ae871e838bb64da859657 4adaa76fbd9fb0c5",
        ),
    ],
)
def test_rfc_3610_packet_vectors_hold_at_the_level_with_8_octets_of_mic(
    number: int, nonce: str, length: int, sealed: str
) -> None:
    cipher = aes.Ccm(RFC_3610_KEY)
    associated = bytes(range(8))
    plaintext = bytes(range(8, 8 + length))
    expected = bytes.fromhex(sealed)
    assert cipher.seal(bytes.fromhex(nonce), associated, plaintext, aes.Level.ENC_MIC_64) == expected
    assert cipher.open(bytes.fromhex(nonce), associated, expected, aes.Level.ENC_MIC_64) == plaintext


@pytest.mark.parametrize(
    ("level", "associated", "plaintext", "sealed"),
    [
        (
            aes.Level.MIC_64,
            "08d0842143010000000048deac020500000055cf000051525354",
            "",
            "223bc1ec841ab553",
        ),
        (aes.Level.ENC, "69dc842143020000000048deac010000000048deac0405000000", "61626364", "d43e022b"),
        (
            aes.Level.ENC_MIC_64,
            "2bdc842143020000000048deacffff010000000048deac060500000001",
            "ce",
            "d84fde529061f9c6f1",
        ),
    ],
)
def test_ieee_802_15_4_annex_c_frames_hold_at_their_level(
    level: aes.Level, associated: str, plaintext: str, sealed: str
) -> None:
    nonce = bytes.fromhex("acde48000000000100000005") + bytes([level])
    cipher = aes.Ccm(RFC_3610_KEY)
    a, m, c = bytes.fromhex(associated), bytes.fromhex(plaintext), bytes.fromhex(sealed)
    assert cipher.seal(nonce, a, m, level) == c
    assert cipher.open(nonce, a, c, level) == m


def test_a_mic_without_encryption_covers_header_and_payload_as_one() -> None:
    nonce = bytes.fromhex("acde4800000000010000000502")
    beacon = bytes.fromhex("08d0842143010000000048deac020500000055cf000051525354")
    mic = bytes.fromhex("223bc1ec841ab553")
    sealed = aes.Ccm(RFC_3610_KEY).seal(nonce, beacon[:18], beacon[18:], aes.Level.MIC_64)
    assert sealed == beacon[18:] + mic


def blocks(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 16)


def ccm_by_the_book(key: Key, nonce: bytes, associated: bytes, plaintext: bytes, mic: int) -> bytes:
    """RFC 3610, 2.2 and 2.3, from AES-CBC and AES-CTR: another road than the one under test."""
    flags = (0x40 if associated else 0) | ((mic - 2) // 2) << 3 | 1
    first = bytes([flags]) + nonce + len(plaintext).to_bytes(2, "big")
    header = blocks(len(associated).to_bytes(2, "big") + associated) if associated else b""
    algorithm = algorithms.AES(key.octets)
    mac = Cipher(algorithm, modes.CBC(bytes(16))).encryptor().update(first + header + blocks(plaintext))
    stream = Cipher(algorithm, modes.CTR(b"\x01" + nonce + bytes(2))).encryptor()
    masked_mac = stream.update(mac[-16:])
    return stream.update(plaintext) + masked_mac[:mic]


@given(keys, nonces, short, short, st.sampled_from(WITH_MIC))
def test_every_level_with_a_mic_is_ccm_by_the_book(
    key: Key, nonce: bytes, associated: bytes, plaintext: bytes, level: aes.Level
) -> None:
    mic = aes.MIC_LENGTHS[level]
    if level < aes.Level.ENC:
        expected = plaintext + ccm_by_the_book(key, nonce, associated + plaintext, b"", mic)
    else:
        expected = ccm_by_the_book(key, nonce, associated, plaintext, mic)
    assert aes.Ccm(key).seal(nonce, associated, plaintext, level) == expected


@given(keys, nonces, short, short, levels)
def test_what_was_sealed_opens_to_the_same_plaintext(
    key: Key, nonce: bytes, associated: bytes, plaintext: bytes, level: aes.Level
) -> None:
    cipher = aes.Ccm(key)
    sealed = cipher.seal(nonce, associated, plaintext, level)
    assert len(sealed) == len(plaintext) + aes.MIC_LENGTHS[level]
    assert cipher.open(nonce, associated, sealed, level) == plaintext


@given(keys, nonces, short, st.sampled_from(WITH_MIC), st.data())
def test_octets_too_short_for_a_mic_are_an_invalid_mic(
    key: Key, nonce: bytes, associated: bytes, level: aes.Level, data: st.DataObject
) -> None:
    octets = data.draw(st.binary(max_size=aes.MIC_LENGTHS[level] - 1))
    with pytest.raises(aes.InvalidMic):
        aes.Ccm(key).open(nonce, associated, octets, level)


@pytest.mark.parametrize("level", WITH_MIC)
def test_another_key_nonce_or_header_is_an_invalid_mic(level: aes.Level) -> None:
    nonce, associated = bytes(13), b"header"
    sealed = aes.Ccm(ALLIANCE).seal(nonce, associated, b"payload", level)
    with pytest.raises(aes.InvalidMic):
        aes.Ccm(RFC_3610_KEY).open(nonce, associated, sealed, level)
    with pytest.raises(aes.InvalidMic):
        aes.Ccm(ALLIANCE).open(bytes(12) + b"\x01", associated, sealed, level)
    with pytest.raises(aes.InvalidMic):
        aes.Ccm(ALLIANCE).open(nonce, b"Header", sealed, level)


@pytest.mark.parametrize("level", OTHER_MIC_OCTETS)
def test_levels_with_equal_mic_length_are_not_interchangeable(level: aes.Level) -> None:
    other = aes.Level(level ^ 4)
    sealed = aes.Ccm(ALLIANCE).seal(bytes(13), b"header", b"payload", level)
    with pytest.raises(aes.InvalidMic):
        aes.Ccm(ALLIANCE).open(bytes(13), b"header", sealed, other)


@pytest.mark.parametrize(
    ("octets", "digest"),
    [
        ("c0", "ae3a102a28d43ee0d4a09e22788b206c"),
        ("c0c1c2c3c4c5c6c7c8c9cacbcccdcecf", "a7977e88bc0b61e8210827109a228f2d"),
        ("83fed3407a939723a5c639b269161802aebb", "333c23686079468eb27ba24bd9c7e564"),
        ("7a939723a5c639b269161802819b", "f93903721685fd329d26849b90f2959a"),
    ],
)
def test_aes_mmo_gives_the_published_digests(octets: str, digest: str) -> None:
    assert aes.mmo(bytes.fromhex(octets)).hex() == digest


def test_aes_mmo_refuses_what_its_16_bit_length_cannot_say() -> None:
    assert len(aes.mmo(bytes(8191))) == 16
    with pytest.raises(ValueError, match="8192"):
        aes.mmo(bytes(8192))


def test_the_keyed_hash_gives_the_digest_of_annex_c_6_1() -> None:
    key = Key(bytes(range(0x40, 0x50)))
    assert aes.keyed_hash(key, b"\xc0").hex() == "4512807bf94cb3400f0e2c25fb76e999"
