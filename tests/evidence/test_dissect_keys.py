"""Which keys open a frame: those given, those learned on the way, those a capture discloses."""

from __future__ import annotations

import io

import pytest

from coordinator import trace
from coordinator.codec.security_header import KeyIdentifier
from coordinator.evidence import pcap
from coordinator.evidence.capture import Capture
from coordinator.evidence.captured import CapturedFrame, Secrets
from coordinator.evidence.dissect import Dissector, Start
from coordinator.evidence.dissection import Fields
from coordinator.evidence.keyring import Keyring, Opened
from coordinator.evidence.knowledge import AddressBook
from coordinator.security.aes import Ccm, InvalidMic
from coordinator.types import Channel, Eui64, Instant, Key, PanId
from tests.evidence import published

PAN = PanId(0x1A62)
SECURED = published.from_device(published.REQUEST_KEY_OVER_NWK)
ZNWK, ZAPS = 0x5A4E574B, 0x5A415053


def packet(octets: bytes, *secrets: Secrets) -> CapturedFrame:
    return CapturedFrame(index=1, interface=0, link_type=230, utc_us=0, octets=octets, secrets=secrets)


def opening(dissector: Dissector, frame: CapturedFrame, layer: str = "nwk") -> Fields:
    fields = dissector.captured(frame).layers[layer]
    assert isinstance(fields, dict)
    security = fields["security"]
    assert isinstance(security, dict)
    return security


class TestDecryptionSecrets:
    def test_of_the_network_open_its_frames(self) -> None:
        secrets = Secrets(kind=ZNWK, octets=published.NETWORK_KEY.octets + b"\x62\x1a")
        found = opening(Dissector(), packet(SECURED, secrets))
        assert (found["opened_by"], found["key_origin"]) == (
            "network key seq 0",
            "decryption secrets of the capture",
        )

    def test_of_the_aps_open_its_frames(self) -> None:
        secrets = Secrets(kind=ZAPS, octets=published.NEW_KEY.octets + bytes(6))
        frame = packet(published.to_device(published.CONFIRM_KEY), secrets)
        assert opening(Dissector(), frame, "aps")["opened_by"] == "link key (data)"

    @pytest.mark.parametrize(
        "secrets", [Secrets(kind=0x544C534B, octets=bytes(range(16))), Secrets(kind=ZNWK, octets=bytes(15))]
    )
    def test_of_others_or_cut_are_passed_over(self, secrets: Secrets) -> None:
        assert opening(Dissector(), packet(SECURED, secrets))["why"] == "no key"


class TestOurOwnCaptures:
    def test_open_without_any_key_given(self) -> None:
        out = io.BytesIO()
        capture = Capture(out, utc_at_zero=0, trust_center=published.TRUST_CENTER)
        capture.key(trace.KeyInUse(at=Instant(0), key=published.NETWORK_KEY, sequence=0), PAN)
        capture.frame(Instant(1), SECURED, Channel(15), -41, 200, ["Request-Key"])
        dissector = Dissector()
        frames = list(pcap.read(out.getvalue()))
        summaries = [dissector.captured(frame).summary for frame in frames]
        assert [frame.interface_name for frame in frames] == ["keys", "keys", "radio0"]
        assert frames[-1].comments == ("Request-Key",)
        assert summaries[-1] == "0x1234 -> 0x0000  APS Request-Key (TC link) data-key"


class TestLearning:
    def test_a_network_key_of_another_sequence_number_does_not_shadow_the_right_one(self) -> None:
        keyring = Keyring()
        keyring.learn_network_key(Key(b"a" * 16), 1, "there")
        keyring.learn_network_key(Key(b"b" * 16), 0, "here")
        tried: list[Ccm] = []

        def refuse(cipher: Ccm) -> bytes:
            tried.append(cipher)
            raise InvalidMic

        said = keyring.open(KeyIdentifier.NETWORK, 1, Eui64(1), refuse)
        assert said == "MIC does not hold under 2 keys"
        assert len(set(tried)) == 2

    def test_the_key_that_opened_the_last_frame_of_a_sender_is_tried_first(self) -> None:
        keys = [Key(bytes((number,)) * 16) for number in range(20)]
        keyring = Keyring(keys)
        calls = 0

        def twentieth(_cipher: Ccm) -> bytes:
            nonlocal calls
            calls += 1
            if calls < 20:
                raise InvalidMic
            return b"open"

        first = keyring.open(KeyIdentifier.DATA, None, Eui64(1), twentieth)
        second = keyring.open(KeyIdentifier.DATA, None, Eui64(1), twentieth)
        assert isinstance(first, Opened)
        assert isinstance(second, Opened)
        assert (first.key, second.key, calls) == (keys[19], keys[19], 21)

    def test_learned_keys_are_bounded_and_given_ones_stay(self) -> None:
        keyring = Keyring([Key(b"given given keys")])
        for number in range(2_000):
            keyring.learn_link_key(Key(number.to_bytes(16, "big")), None, "somewhere")
            keyring.learn_network_key(Key(number.to_bytes(16, "big")), 0, "somewhere")
        tried = 0

        def refuse(_cipher: Ccm) -> bytes:
            nonlocal tried
            tried += 1
            raise InvalidMic

        keyring.open(KeyIdentifier.DATA, None, Eui64(1), refuse)
        assert tried == 512 + 2
        tried = 0
        keyring.open(KeyIdentifier.NETWORK, 0, Eui64(1), refuse)
        assert tried == 512 + 1

    def test_addresses_are_bounded_and_the_last_heard_is_believed(self) -> None:
        book = AddressBook()
        for number in range(20_000):
            book.learn(number & 0x7FFF, 1, Eui64(number))
        assert book.find(19_999 & 0x7FFF, 1) == Eui64(19_999)
        assert book.find(0, 1) is None
        book.learn(19_999, 1, Eui64(5))
        assert book.find(19_999, 1) == Eui64(5)

    def test_broadcast_addresses_belong_to_nobody(self) -> None:
        book = AddressBook()
        book.learn(1, 0xFFFD, Eui64(5))
        book.learn(None, 1, Eui64(5))
        book.learn(1, None, Eui64(5))
        assert book.find(1, 0xFFFD) is None
        assert book.find(None, 1) is None

    @pytest.mark.parametrize(
        "lesson",
        [
            published.ASSOCIATION_RESPONSE,
            published.from_device_unsecured(bytes.fromhex("0802130000000060 01 3412 443322110036cef4 8e")),
            published.from_device(bytes.fromhex("0910 fdff 3412 01 07 443322110036cef4 04 00")),
            published.from_device_unsecured(bytes.fromhex("0000008000000001 09 00 443322110036cef4 3412")),
            SECURED,
        ],
        ids=["association-response", "device-annce", "nwk-source-ieee", "nwk-addr-rsp", "auxiliary-header"],
    )
    def test_a_sender_is_known_from(self, lesson: bytes) -> None:
        dissector = Dissector([published.NETWORK_KEY])
        short = published.REQUEST_KEY_OVER_NWK[:8] + b"\x08" + bytes(5) + bytes(12)
        before = opening(dissector, packet(published.from_device(short)))
        dissector.captured(packet(lesson))
        after = opening(dissector, packet(published.from_device(short)))
        assert before["why"] == "the EUI-64 of the sender is not known"
        assert after["why"] == "MIC does not hold under 1 key"


def test_a_key_that_was_given_serves_as_network_and_as_link_key() -> None:
    dissector = Dissector([published.NETWORK_KEY, published.NEW_KEY])
    assert "APS Request-Key" in dissector.bare(published.REQUEST_KEY_OVER_NWK, Start.NWK).summary
    assert "APS Confirm-Key" in dissector.bare(published.CONFIRM_KEY, Start.APS).summary
