"""The event file: every record as one JSON object a line, with both clocks, and keys only on demand."""

from __future__ import annotations

import json
import typing

import pytest

from coordinator import trace
from coordinator.codec import zdp
from coordinator.evidence import events
from coordinator.evidence.events import Events
from coordinator.evidence.outcome import fields
from coordinator.evidence.witness import Witness
from coordinator.primitives import Indication, Request, apsde, apsme, nlme, zdo
from coordinator.types import (
    GLOBAL_LINK_KEY,
    Channel,
    ExtendedPanId,
    Instant,
    LinkKeyKind,
    NwkAddress,
    PanId,
)
from tests.evidence.story import ADDRESS, DEVICE, FRESH, TRUST_CENTER, UNDER_LINK_KEY, Story, us

ZERO = 1_795_345_440_000_000  # 2026-11-22 11:04:00 UTC


def loaded(record: trace.Record, *, expose_keys: bool = False) -> dict[str, typing.Any]:
    line = Events(utc_at_zero=ZERO, expose_keys=expose_keys).line(record)
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert line.isascii()
    event = json.loads(line)
    assert isinstance(event, dict)
    return event


def test_an_event_carries_monotonic_and_utc_time() -> None:
    event = loaded(trace.Finding(at=Instant(1_500_250), device=None, summary="odd"))
    assert event == {
        "t_mono_us": 1_500_250,
        "t_utc": "2026-11-22T11:04:01.500250Z",
        "kind": "finding",
        "device": None,
        "summary": "odd",
    }


def test_addresses_read_as_wireshark_writes_them() -> None:
    event = loaded(
        trace.NetworkFormed(
            at=us(0),
            channel=Channel(15),
            pan_id=PanId(0x1A62),
            extended_pan_id=ExtendedPanId(TRUST_CENTER),
            coordinator=TRUST_CENTER,
        )
    )
    assert event["kind"] == "network-formed"
    assert event["pan_id"] == "0x1a62"
    assert event["channel"] == 15
    assert event["extended_pan_id"] == event["coordinator"] == "00:12:4b:00:01:02:03:04"


def test_a_primitive_is_a_nested_object_with_its_name_and_a_summary() -> None:
    indication = apsme.RequestKeyIndication(
        device=DEVICE, address=ADDRESS, key_type=4, partner=None, security=UNDER_LINK_KEY
    )
    event = loaded(trace.Indicated(at=us(1), indication=indication))
    nested = event["indication"]
    assert event["observed"] == "direct"
    assert nested["primitive"] == "APSME-REQUEST-KEY.indication"
    assert nested["summary"] == "Request-Key (TC link)"
    assert nested["address"] == "0x1234"
    assert nested["device"] == "f4:ce:36:00:11:22:33:44"
    assert nested["security"] == {"type": "Security", "nwk": True, "aps": "data", "link_key": "global"}


def test_a_zdp_command_is_written_field_by_field() -> None:
    command = zdp.DeviceAnnounce(address=ADDRESS, ieee=DEVICE, capability=0x8E, trailing=b"\x01\xff")
    indication = zdo.CommandIndication(
        source=ADDRESS, device=DEVICE, broadcast=True, sequence=3, command=command, security=apsde.NWK_ONLY
    )
    nested = loaded(trace.Indicated(at=us(1), indication=indication))["indication"]
    assert nested["command"] == {
        "type": "DeviceAnnounce",
        "address": "0x1234",
        "ieee": "f4:ce:36:00:11:22:33:44",
        "capability": 0x8E,
        "trailing": "01ff",
    }


def test_a_list_of_addresses_is_written_as_addresses() -> None:
    command = zdp.NwkAddressResponse(
        status=0, ieee=DEVICE, address=ADDRESS, associated=(ADDRESS, NwkAddress(0x00AB)), start_index=0
    )
    request = zdo.CommandRequest(destination=ADDRESS, command=command)
    event = loaded(trace.Requested(at=us(1), request_id=1, request=request))
    assert event["request"]["command"]["associated"] == ["0x1234", "0x00ab"]


def test_a_frame_is_written_in_hexadecimal() -> None:
    event = loaded(trace.Heard(at=us(1), psdu=b"\x02\x00\x7f", channel=Channel(15), rssi=-41, lqi=200))
    assert (event["psdu"], event["rssi"], event["lqi"]) == ("02007f", -41, 200)


@pytest.mark.parametrize("source", [NwkAddress(0x1234), DEVICE, None])
def test_a_source_of_either_kind_is_written_as_what_it_is(source: NwkAddress | None) -> None:
    expected = {ADDRESS: "0x1234", DEVICE: str(DEVICE), None: None}[source]
    dropped = trace.Dropped(at=us(1), layer="nwk", reason="MIC", source=source)
    assert loaded(dropped)["source"] == expected


class TestKeys:
    def test_a_key_is_redacted(self) -> None:
        event = loaded(trace.KeyInUse(at=us(1), key=FRESH, device=DEVICE, kind=LinkKeyKind.UNIQUE))
        assert event["key"] == "redacted"
        assert event["kind"] == "key-in-use"
        assert event["key_kind"] == "unique"

    def test_the_key_that_everyone_has_is_named(self) -> None:
        assert loaded(trace.KeyInUse(at=us(1), key=GLOBAL_LINK_KEY))["key"] == "ZigBeeAlliance09"

    def test_a_key_inside_a_primitive_is_redacted_too(self) -> None:
        lines: list[str] = []
        writer = Events(utc_at_zero=ZERO)
        Story(lambda record: lines.append(writer.line(record))).exchange(1)
        assert len(lines) > 5
        assert not any(FRESH.octets.hex() in line for line in lines)

    def test_a_key_is_written_when_the_user_asks_for_it(self) -> None:
        event = loaded(trace.KeyInUse(at=us(1), key=FRESH), expose_keys=True)
        assert event["key"] == FRESH.octets.hex()


class TestNames:
    def test_every_primitive_has_the_name_of_its_service_access_point(self) -> None:
        names = {
            events.primitive_name(kind) for kind in (*typing.get_args(Indication), *typing.get_args(Request))
        }
        assert {
            "APSME-TRANSPORT-KEY.request",
            "APSME-REMOVE-DEVICE.indication",
            "MLME-ASSOCIATE.response",
            "NLME-NETWORK-DISCOVERY.confirm",
            "APSDE-DATA.indication",
        } <= names
        assert len(names) == len(typing.get_args(Indication)) + len(typing.get_args(Request))

    def test_every_record_has_its_kind(self) -> None:
        kinds = {events.kind_of(kind) for kind in typing.get_args(trace.Record)}
        assert len(kinds) == len(typing.get_args(trace.Record))
        assert {"heard", "sent", "standing-changed", "key-in-use"} <= kinds


def test_a_whole_join_is_written_and_read_back_with_nothing_left_out() -> None:
    records: list[trace.Record] = []
    story = Story(records.append)
    story.enter()
    story.ask_descriptor(600)
    story.exchange(700)
    story.leave(9_000)
    records.append(trace.Confirmed(at=us(1), handle=3, status="no-ack"))
    records.append(
        trace.StandingChanged(at=us(1), device=DEVICE, before="keyed", event="heard", after="authenticated")
    )
    for record in records:
        event = loaded(record)
        for name in type(record).__dataclass_fields__:
            written_as = {"at": "t_mono_us", "kind": "key_kind"}.get(name, name)
            assert written_as in event, (event["kind"], name)
        nested = event.get("request") or event.get("indication")
        if nested is not None:
            assert isinstance(record, (trace.Requested, trace.Indicated))
            primitive = record.request if isinstance(record, trace.Requested) else record.indication
            assert set(type(primitive).__dataclass_fields__) <= set(nested)


def test_a_verdict_is_plain_json_with_the_fields_of_simulate() -> None:
    witness = Witness()
    story = Story(witness.note)
    story.enter()
    story.request_key(700)
    story.reuse(700)
    story.leave(914)
    found = json.loads(json.dumps(fields(witness.close(us(40_000)))))
    assert found["outcome"] == "left-by-joiner"
    assert found["verdict"] == "fail"
    assert found["link_key"] is None
    assert found["step"] == "transport-link-key"
    assert found["seconds"] == 0.414
    assert found["deviations"] == ["tclk.reuse_global"]
    assert found["deviation_details"] == [
        {"behaviour": "tclk.reuse_global", "count": 1, "clause": "R21: a fresh key"}
    ]
    assert [attempt["number"] for attempt in found["attempts"]] == [1]


def test_a_field_that_json_has_no_word_for_is_our_bug_and_not_swallowed() -> None:
    with pytest.raises(TypeError, match="no JSON for complex"):
        loaded(trace.Confirmed(at=us(1), handle=typing.cast(int, 1j), status="success"))


def test_leaving_ourselves_is_written_with_its_null_device() -> None:
    request = nlme.LeaveRequest(device=None, address=ADDRESS)
    event = loaded(trace.Requested(at=us(1), request_id=1, request=request))
    assert event["request"]["primitive"] == "NLME-LEAVE.request"
    assert event["request"]["device"] is None
