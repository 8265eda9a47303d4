"""Derived keys and install codes against the published vectors of protocol.md 1.4."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.codec import crc
from coordinator.security import keys
from coordinator.types import GLOBAL_LINK_KEY, Eui64, Key

TI_SEED = Key.parse("0011223344556677889900AABBCCDDEE")
DEVICE = Eui64.parse("00124b001cdd5b88")
INSTALL_CODES = [
    ("83FED3407A939723A5C639B26916D505C3B5", 0xB5C3, "66B6900981E1EE3CA4206B6B861C02BB"),
    ("11223344556677884AF7", 0xF74A, "41618FC0C83B0E14A589954B16E31466"),
    ("83FED3407A939738C552", 0x52C5, "A833A77434F3BFBD7A7AB97942149287"),
]


class TestKeyHierarchy:
    def test_the_global_link_key_derives_the_published_key_transport_key(self) -> None:
        expected = Key.parse("4BAB0F173E1434A2D572E1C1EF478782")
        assert keys.key_transport_key(GLOBAL_LINK_KEY) == expected

    def test_the_global_link_key_derives_the_published_key_load_key(self) -> None:
        assert keys.key_load_key(GLOBAL_LINK_KEY) == Key.parse("C5A47035C332CCBF251571D8BADED188")

    def test_the_global_link_key_has_the_published_verify_key_hash(self) -> None:
        assert keys.verify_key_hash(GLOBAL_LINK_KEY).hex() == "1ab128df1639a1246aaba72a6a559124"


class TestInstallCodes:
    @pytest.mark.parametrize(("code", "check", "link_key"), INSTALL_CODES)
    def test_published_install_codes_give_their_crc_and_link_key(
        self, code: str, check: int, link_key: str
    ) -> None:
        octets = bytes.fromhex(code)
        assert crc.x25(octets[:-2]) == check
        assert keys.install_code_key(octets) == Key.parse(link_key)

    def test_the_crc_has_its_catalogued_check_value(self) -> None:
        assert crc.x25(b"123456789") == 0x906E

    @pytest.mark.parametrize(
        "text",
        [
            "83FED3407A939723A5C639B26916D505C3B5",
            "83fe d340 7a93 9723 a5c6 39b2 6916 d505 c3b5",
            " 83:FE:D3:40:7A:93:97:23:A5:C6:39:B2:69:16:D5:05:C3:B5\n",
            "0x83FED340-7A939723-A5C639B2-6916D505-C3B5",
        ],
    )
    def test_a_printed_code_is_read_with_any_separators(self, text: str) -> None:
        assert keys.parse_install_code(text).hex() == "83fed3407a939723a5c639b26916d505c3b5"

    @given(st.sampled_from(keys.INSTALL_CODE_LENGTHS), st.data())
    def test_every_length_is_accepted_with_its_crc_and_no_other_crc(
        self, length: int, data: st.DataObject
    ) -> None:
        code = data.draw(st.binary(min_size=length, max_size=length))
        octets = code + crc.x25(code).to_bytes(2, "little")
        assert keys.parse_install_code(octets.hex()) == octets
        flipped = octets[:-1] + bytes([octets[-1] ^ 1 << data.draw(st.integers(0, 7))])
        with pytest.raises(keys.InstallCodeError):
            keys.parse_install_code(flipped.hex())

    def test_a_wrong_crc_is_told_the_right_one_in_air_order(self) -> None:
        with pytest.raises(keys.InstallCodeError) as error:
            keys.parse_install_code("1122334455667788 F74A")
        assert str(error.value) == (
            "the CRC of these 8 install code octets is 4A F7, but the code ends in F7 4A"
        )

    def test_a_code_without_its_crc_is_told_what_to_append(self) -> None:
        with pytest.raises(keys.InstallCodeError, match=r"this is 16 in all; .* append C3 B5$"):
            keys.parse_install_code("83FED3407A939723A5C639B26916D505")

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "this is 0 in all"),
            ("11 22 33", "this is 3 in all"),
            ("11223344556677889", "17 hexadecimal digits"),
            ("11223344556677884AG7", "hexadecimal digits and separators"),
            ("11 " * 19, "this is 19 in all"),
        ],
    )
    def test_what_is_no_install_code_is_refused_in_one_line_without_echoing_it(
        self, text: str, reason: str
    ) -> None:
        with pytest.raises(keys.InstallCodeError, match=reason) as error:
            keys.parse_install_code(text)
        assert "\n" not in str(error.value)
        assert not text or text.strip() not in str(error.value)

    @given(st.text(max_size=50))
    def test_no_text_raises_anything_but_an_install_code_error(self, text: str) -> None:
        with contextlib.suppress(keys.InstallCodeError):
            assert len(keys.parse_install_code(text)) - 2 in keys.INSTALL_CODE_LENGTHS


class TestPerDeviceKeys:
    def test_the_ti_seed_at_shift_0_gives_the_published_key(self) -> None:
        expected = Key.parse("884AFF2F441E747700C2DDB6BB87CFEE")
        assert keys.seed_shift_key(TI_SEED, DEVICE, 0) == expected

    def test_a_shift_turns_the_seed_to_the_left_before_masking(self) -> None:
        blank = Eui64(0)
        assert keys.seed_shift_key(TI_SEED, blank, 1) == Key(TI_SEED.octets[1:] + TI_SEED.octets[:1])
        assert keys.seed_shift_key(TI_SEED, blank, 17) == keys.seed_shift_key(TI_SEED, blank, 1)

    def test_ember_hashed_keys_are_the_published_ones(self) -> None:
        expected = Key.parse("7B5F66C194034B877607BA312627634B")
        assert keys.hashed_key(TI_SEED, DEVICE) == expected
        assert keys.hashed_key(GLOBAL_LINK_KEY, DEVICE) == Key.parse("35373A9861B18802C2AEF128330A92BB")


def test_the_well_known_keys_are_those_of_the_reference() -> None:
    assert keys.DISTRIBUTED_TEST_KEY.octets.hex() == "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
    assert keys.TOUCHLINK_TEST_KEY.octets.hex() == "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
