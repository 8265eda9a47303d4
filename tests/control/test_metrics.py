"""Figures for Prometheus, judged by its own parser, and by promtool where there is one."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from coordinator import trace
from coordinator.codec.aps_commands import KeyType
from coordinator.control.metrics import OTHERS, PROFILES, Metrics
from coordinator.primitives import apsme
from coordinator.profiles import joiners
from coordinator.trace import RadioState
from coordinator.types import SECOND, Instant
from tests.runtime.disk import Disk
from tests.runtime.town import Town

Labels = dict[str, str]


def samples(metrics: Metrics) -> dict[str, list[tuple[Labels, float]]]:
    found: dict[str, list[tuple[Labels, float]]] = {}
    for family in text_string_to_metric_families(metrics.text().decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return next(found for given, found in samples(metrics)[f"legacytc_{name}"] if given == labels)


@pytest.fixture(scope="module")
def joined() -> list[trace.Record]:
    town = Town(Disk())
    town.join(joiners.load("zboss-r22"))
    return town.records


def counted(records: list[trace.Record], profile: str = "zb3") -> Metrics:
    metrics = Metrics()
    metrics.profile(profile, 1)
    for record in records:
        metrics.note(record)
    return metrics


def test_every_metric_that_was_promised_is_there() -> None:
    metrics = counted([])
    kinds = {family.name: family.type for family in text_string_to_metric_families(metrics.text().decode())}
    assert kinds == {
        "legacytc_up": "gauge",
        "legacytc_radio_up": "gauge",
        "legacytc_radio_rtt_seconds": "histogram",
        "legacytc_radio_reconnects": "counter",
        "legacytc_joins": "counter",
        "legacytc_key_exchange_seconds": "histogram",
        "legacytc_frames": "counter",
        "legacytc_frames_dropped": "counter",
        "legacytc_profile_info": "gauge",
        "legacytc_mqtt_connected": "gauge",
        "legacytc_event_outbox_depth": "gauge",
        "legacytc_capture_bytes": "counter",
        "legacytc_loop_lag_seconds": "gauge",
    }


def test_the_frames_of_a_join_are_counted(joined: list[trace.Record]) -> None:
    metrics = counted(joined)
    heard = sum(isinstance(record, trace.Heard) for record in joined)
    sent = sum(isinstance(record, trace.Sent) for record in joined)
    assert heard >= 10
    assert value(metrics, "frames_total", dir="rx", layer="mac") == heard
    assert value(metrics, "frames_total", dir="tx", layer="mac") == sent
    assert value(metrics, "frames_total", dir="rx", layer="aps") >= 2  # Request-Key and Verify-Key
    assert value(metrics, "frames_total", dir="tx", layer="aps") >= 3  # two Transport-Keys, a Confirm-Key


def instant_sent(records: list[trace.Record], request: type, key_type: int) -> Instant:
    """When the radio was given the first frame of the one request of this kind."""
    asked = next(
        record.request_id
        for record in records
        if isinstance(record, trace.Requested)
        and isinstance(record.request, request)
        and getattr(record.request, "key_type", None) == key_type
    )
    return next(
        record.at for record in records if isinstance(record, trace.Sent) and record.request_id == asked
    )


def test_each_step_of_a_key_exchange_has_its_time(joined: list[trace.Record]) -> None:
    metrics = counted(joined)
    heard = {type(record.indication): record.at for record in joined if isinstance(record, trace.Indicated)}
    key = instant_sent(joined, apsme.TransportKeyRequest, KeyType.TRUST_CENTER_LINK)
    confirm = instant_sent(joined, apsme.ConfirmKeyRequest, KeyType.TRUST_CENTER_LINK)
    request, verify = heard[apsme.RequestKeyIndication], heard[apsme.VerifyKeyIndication]
    expected = {
        "transport-key": key - request,
        "verify-key": verify - key,
        "confirm-key": confirm - verify,
        "whole": confirm - request,
    }
    for step, span in expected.items():
        labels = {"profile": "zb3", "step": step}
        assert value(metrics, "key_exchange_seconds_count", **labels) == 1
        assert value(metrics, "key_exchange_seconds_sum", **labels) == pytest.approx(span / SECOND)


def test_an_exchange_that_stops_half_way_is_no_whole_one_and_a_second_request_begins_anew(
    joined: list[trace.Record],
) -> None:
    end = next(
        index
        for index, record in enumerate(joined)
        if isinstance(record, trace.Indicated) and isinstance(record.indication, apsme.VerifyKeyIndication)
    )
    metrics = counted(joined[:end] + joined)
    assert value(metrics, "key_exchange_seconds_count", profile="zb3", step="transport-key") == 2
    assert value(metrics, "key_exchange_seconds_count", profile="zb3", step="whole") == 1


def test_no_series_names_a_device(joined: list[trace.Record]) -> None:
    text = counted(joined).text().decode()
    devices = {str(record.device) for record in joined if isinstance(record, trace.StandingChanged)}
    assert devices
    assert not any(device in text for device in devices)


def test_a_thousand_devices_and_profiles_do_not_grow_the_text(joined: list[trace.Record]) -> None:
    metrics = counted(joined)
    for number in range(1000):
        metrics.profile(f"made-up-{number}", number)
        metrics.verdict(f"made-up-{number}", "pass")
        for record in joined:
            if isinstance(record, trace.Indicated | trace.Requested | trace.Sent):
                metrics.note(record)
    found = samples(metrics)
    assert len(found["legacytc_profile_info"]) == 1
    assert len(found["legacytc_joins_total"]) <= PROFILES + 1
    assert value(metrics, "joins_total", profile=OTHERS, verdict="pass") == 1000 - PROFILES + 1


def test_exchanges_that_never_end_are_given_up(joined: list[trace.Record]) -> None:
    metrics = counted([])
    request = next(
        record
        for record in joined
        if isinstance(record, trace.Indicated) and isinstance(record.indication, apsme.RequestKeyIndication)
    )
    assert isinstance(request.indication, apsme.RequestKeyIndication)
    for number in range(1000):
        device = type(request.indication.device)(number + 1)
        metrics.note(replace(request, indication=replace(request.indication, device=device)))
    assert len(metrics._exchanges._open) == 256


def test_a_radio_that_comes_back_is_counted_and_its_first_coming_is_not() -> None:
    metrics = Metrics()
    for state in (RadioState.STARTING, RadioState.UP, RadioState.UP, RadioState.LOST, RadioState.RECOVERING):
        metrics.note(trace.RadioChanged(at=Instant(0), state=state, reason=""))
    assert (value(metrics, "radio_up"), value(metrics, "radio_reconnects_total")) == (0, 0)
    metrics.radio(RadioState.UP)
    assert (value(metrics, "radio_up"), value(metrics, "radio_reconnects_total")) == (1, 1)


def test_what_is_told_is_shown() -> None:
    metrics = Metrics()
    metrics.profile('odd "name"\\\n', 3)
    metrics.verdict("zb3", "fail")
    metrics.radio_answered(0.004)
    metrics.mqtt(True)
    metrics.outbox(7)
    metrics.captured(100)
    metrics.captured(20)
    metrics.loop_lag(0.25)
    assert value(metrics, "profile_info", profile='odd "name"\\\n', generation="3") == 1
    assert value(metrics, "joins_total", profile="zb3", verdict="fail") == 1
    assert value(metrics, "radio_rtt_seconds_bucket", le="0.005") == 1
    assert value(metrics, "radio_rtt_seconds_bucket", le="0.002") == 0
    assert value(metrics, "mqtt_connected") == 1
    assert value(metrics, "event_outbox_depth") == 7
    assert value(metrics, "capture_bytes_total") == 120
    assert value(metrics, "loop_lag_seconds") == 0.25


def test_drops_and_frames_that_nobody_took_are_counted_by_where() -> None:
    metrics = Metrics()
    metrics.note(trace.Dropped(at=Instant(0), layer="nwk", reason="a replay"))
    metrics.note(trace.Confirmed(at=Instant(0), handle=1, status="no-ack"))
    metrics.note(trace.Confirmed(at=Instant(0), handle=2, status="success"))
    assert samples(metrics)["legacytc_frames_dropped_total"] == [
        ({"where": "nwk"}, 1.0),
        ({"where": "transmit"}, 1.0),
    ]


def test_two_benches_of_one_process_do_not_share_figures() -> None:
    one, other = Metrics(), Metrics()
    one.verdict("zb3", "pass")
    assert "legacytc_joins_total" not in samples(other)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not here")
def test_promtool_has_nothing_to_say(joined: list[trace.Record]) -> None:
    metrics = counted(joined)
    metrics.verdict("zb3", "pass")
    metrics.radio_answered(0.004)
    judged = subprocess.run(
        ["promtool", "check", "metrics"], input=metrics.text(), capture_output=True, timeout=30, check=False
    )
    assert (judged.returncode, judged.stdout, judged.stderr) == (0, b"", b"")
