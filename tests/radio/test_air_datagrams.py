"""The datagrams of a shared air: octets as the table says, values survive, nothing else decodes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.codec.cursor import DecodeError, EncodeError
from coordinator.radio.air import datagrams, messages
from coordinator.radio.air.datagrams import Datagram
from coordinator.radio.air.messages import Message
from coordinator.stack.node import ReceivedFrame, ReceiverOn, SetPending, Transmit, TransmitStatus, Tune
from coordinator.types import CHANNELS, Channel, Eui64, Instant, NwkAddress, PanId

U16, U32, U64 = st.integers(0, 0xFFFF), st.integers(0, 0xFFFF_FFFF), st.integers(0, (1 << 64) - 1)
TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=255)
CHANNEL, PSDU, DBM = st.sampled_from(CHANNELS), st.binary(max_size=140), st.integers(-128, 127)
INSTANT = st.builds(Instant, U64)
UNCOUNTED = st.one_of(
    st.builds(messages.Probe),
    st.builds(messages.Present, INSTANT),
    st.builds(messages.Hello, TEXT),
    st.builds(messages.Welcome, INSTANT),
    st.builds(messages.Refused, st.sampled_from(messages.Code), TEXT),
    st.builds(messages.Bye, TEXT),
)
COUNTED = st.one_of(
    st.builds(messages.Alive),
    st.builds(Transmit, handle=U32, psdu=PSDU, csma=st.booleans(), retries=st.integers(0, 255)),
    st.builds(
        SetPending,
        short=st.frozensets(U16.map(NwkAddress), max_size=40),
        extended=st.frozensets(U64.map(Eui64), max_size=40),
        everyone=st.booleans(),
    ),
    st.builds(
        Tune,
        channel=CHANNEL,
        pan_id=U16.map(PanId),
        address=U16.map(NwkAddress),
        extended_address=U64.map(Eui64),
    ),
    st.builds(ReceiverOn, on=st.booleans()),
    st.builds(messages.EnergyScan, CHANNEL, U32),
    st.builds(
        ReceivedFrame,
        psdu=PSDU,
        channel=CHANNEL,
        rssi=DBM,
        lqi=st.integers(0, 255),
        acked_with_pending=st.sampled_from((None, False, True)),
    ),
    st.builds(messages.Confirmed, U32, st.sampled_from(TransmitStatus), st.booleans()),
    st.builds(messages.Scanned, DBM),
)
DATAGRAMS = st.one_of(
    st.builds(Datagram, U32, st.just(0), UNCOUNTED),
    st.builds(Datagram, U32, st.integers(1, (1 << 64) - 1), COUNTED),
)
HEAD = "4c544341 01 {kind} 04030201 0900000000000000"
UNCOUNTED_HEAD = "4c544341 01 {kind} 04030201 0000000000000000"

WRITTEN_BY_HAND: dict[str, tuple[str, Message]] = {
    "Probe": (UNCOUNTED_HEAD.format(kind="01"), messages.Probe()),
    "Hello": (UNCOUNTED_HEAD.format(kind="03") + "03 61 2d 31", messages.Hello("a-1")),
    "Welcome": (UNCOUNTED_HEAD.format(kind="04") + "40420f0000000000", messages.Welcome(Instant(1_000_000))),
    "Refused": (
        UNCOUNTED_HEAD.format(kind="05") + "02 02 6e6f",
        messages.Refused(messages.Code.NAME_TAKEN, "no"),
    ),
    "Alive": (HEAD.format(kind="07"), messages.Alive()),
    "Transmit": (
        HEAD.format(kind="10") + "07000000 01 03 030801ffffffff07",
        Transmit(handle=7, psdu=bytes.fromhex("030801ffffffff07"), csma=True, retries=3),
    ),
    "SetPending": (
        HEAD.format(kind="11") + "00 0200 0100 3412 0100 0807060504030201",
        SetPending(
            short=frozenset({NwkAddress(0x1234), NwkAddress(1)}),
            extended=frozenset({Eui64(0x0102030405060708)}),
        ),
    ),
    "Tune": (
        HEAD.format(kind="12") + "0f 621a 0000 0807060504030201",
        Tune(
            channel=Channel(15),
            pan_id=PanId(0x1A62),
            address=NwkAddress(0),
            extended_address=Eui64(0x0102030405060708),
        ),
    ),
    "ReceivedFrame": (
        HEAD.format(kind="20") + "0b d8 ff 02 0200ff",
        ReceivedFrame(psdu=b"\x02\x00\xff", channel=Channel(11), rssi=-40, lqi=255, acked_with_pending=True),
    ),
    "Confirmed": (
        HEAD.format(kind="21") + "07000000 01 00",
        messages.Confirmed(7, TransmitStatus.NO_ACK, False),
    ),
    "Scanned": (HEAD.format(kind="22") + "a1", messages.Scanned(-95)),
}


@pytest.mark.parametrize("name", WRITTEN_BY_HAND)
def test_octets_are_as_the_table_says(name: str) -> None:
    text, message = WRITTEN_BY_HAND[name]
    octets = bytes.fromhex(text)
    sequence = 0 if isinstance(message, messages.Uncounted) else 9
    assert datagrams.decode(octets) == Datagram(0x01020304, sequence, message)
    assert datagrams.encode(Datagram(0x01020304, sequence, message)) == octets


@given(DATAGRAMS)
def test_every_value_survives(datagram: Datagram) -> None:
    assert datagrams.decode(datagrams.encode(datagram)) == datagram


def decodes(octets: bytes) -> Datagram | None:
    try:
        return datagrams.decode(octets)
    except DecodeError:
        return None


@given(DATAGRAMS, st.data())
def test_what_decodes_has_no_other_octets(datagram: Datagram, data: st.DataObject) -> None:
    octets = bytearray(datagrams.encode(datagram))
    for _ in range(data.draw(st.integers(0, 3))):
        octets[data.draw(st.integers(4, len(octets) - 1))] = data.draw(st.integers(0, 255))
    del octets[data.draw(st.integers(0, len(octets))) :]
    found = decodes(bytes(octets))
    assert found is None or datagrams.encode(found) == octets


@given(st.binary(max_size=80), st.booleans())
def test_no_octets_raise_anything_but_a_decode_error(octets: bytes, marked: bool) -> None:
    octets = datagrams.MAGIC + b"\x01" + octets if marked else octets
    found = decodes(octets)
    assert found is None or datagrams.encode(found) == octets
    datagrams.foreign_version(octets)
    datagrams.asks(octets)


@pytest.mark.parametrize(
    ("sequence", "message"),
    [
        (1, messages.Probe()),
        (0, messages.Alive()),
        (1, messages.EnergyScan(Channel(10), 1)),
        (1, messages.Scanned(200)),
        (1, Transmit(handle=-1, psdu=b"")),
        (1, Transmit(handle=1, psdu=bytes(70_000))),
        (0, messages.Hello("grüezi")),
        (0, messages.Hello("a\nb")),
        (0, messages.Hello("")),
        (0, messages.Bye("x" * 256)),
        (1, SetPending(short=frozenset(map(NwkAddress, range(40_000))))),
    ],
)
def test_what_has_no_octets_is_refused(sequence: int, message: Message) -> None:
    with pytest.raises(EncodeError):
        datagrams.encode(Datagram(1, sequence, message))


def test_a_datagram_of_another_version_is_known_as_one() -> None:
    other = datagrams.MAGIC + b"\x02\x03" + bytes(20)
    assert datagrams.foreign_version(other) == 2
    assert datagrams.asks(other)
    assert decodes(other) is None
    assert datagrams.foreign_version(datagrams.MAGIC + b"\x01\x03") is None
    assert datagrams.foreign_version(b"OTHER" + bytes(20)) is None
