"""Figures for Prometheus. The one door of prometheus_client, with a registry of its own.

No device is named here: an EUI-64 as a label would make a series of each device under test.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, exposition
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from coordinator import trace
from coordinator.control.exchanges import Exchanges
from coordinator.primitives import apsde, apsme, nlme, zdo
from coordinator.stack.node import TransmitStatus
from coordinator.types import SECOND

CONTENT_TYPE = exposition.CONTENT_TYPE_PLAIN_0_0_4
NAMESPACE = "legacytc"
PROFILES = 64
"""Profiles that have series of their own; whoever makes up more of them finds the rest under `OTHERS`."""
OTHERS = "(others)"
RTT_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
STEP_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds. A device waits 5 s for its key (bdbcTCLinkKeyExchangeTimeout); a slow answer is in between."""

_LAYERS: dict[str, str] = {
    nlme.__name__: "nwk",
    apsde.__name__: "aps",
    apsme.__name__: "aps",
    zdo.__name__: "zdo",
}
"""The layer of a primitive, by its module. What is of the MAC was counted as a frame; timers are none."""


class Metrics:
    """What is counted. `note` is a trace sink; the rest is told by whoever knows."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry(auto_describe=False)
        self._profile = ""
        self._known: set[str] = set()
        self._exchanges = Exchanges(self._stepped)
        self._radio_state: trace.RadioState | None = None
        self._radio_was_up = False

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, namespace=NAMESPACE, registry=registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, namespace=NAMESPACE, registry=registry)

        gauge("up", "1 while the bench runs.").set(1)
        self._radio_up = gauge("radio_up", "1 while there is a radio.")
        self._reconnects = counter("radio_reconnects", "Times that the radio came back.")
        self._joins = counter("joins", "Joins by how they ended.", "profile", "verdict")
        self._frames = counter(
            "frames", "At layer mac: frames of the radio; above: what came up to it or was asked of it.",
            "dir", "layer",
        )  # fmt: skip
        self._heard = self._frames.labels("rx", "mac")
        self._sent = self._frames.labels("tx", "mac")
        self._dropped = counter(
            "frames_dropped", "Frames that a layer did not act on, or (transmit) that nobody took.", "where"
        )
        self._info = gauge("profile_info", "1 for what the Trust Center is.", "profile", "generation")
        self._mqtt = gauge("mqtt_connected", "1 while there is a broker.")
        self._outbox = gauge("event_outbox_depth", "Events that wait for the broker.")
        self._captured = counter("capture_bytes", "Octets written to captures.")
        self._lag = gauge("loop_lag_seconds", "How late the event loop ran, at worst lately.")
        self._rtt = Histogram(
            "radio_rtt_seconds", "A probe of the radio and its answer.",
            namespace=NAMESPACE, registry=registry, buckets=RTT_BUCKETS,
        )  # fmt: skip
        self._steps = Histogram(
            "key_exchange_seconds",
            "Steps of the Trust Center link key exchange; whole is from Request-Key to Confirm-Key.",
            ("profile", "step"), namespace=NAMESPACE, registry=registry, buckets=STEP_BUCKETS,
        )  # fmt: skip

    def note(self, record: trace.Record) -> None:
        """Count what happened."""
        match record:
            case trace.Heard():
                self._heard.inc()
            case trace.Sent():
                self._sent.inc()
                if record.request_id is not None:
                    self._exchanges.sent(record.request_id, record.at)
            case trace.Confirmed():
                if record.status != TransmitStatus.SUCCESS.value:
                    self._dropped.labels("transmit").inc()
            case trace.Dropped():
                self._dropped.labels(record.layer).inc()
            case trace.Indicated():
                self._count("rx", type(record.indication))
                self._exchanges.heard(record.indication, record.at)
            case trace.Requested():
                self._count("tx", type(record.request))
                self._exchanges.asked(record.request_id, record.request)
            case trace.Concluded():
                self._exchanges.concluded(record.request_id, record.at, delivered=record.delivered)
            case trace.RadioChanged():
                self.radio(record.state)
            case _:
                pass

    def verdict(self, profile: str, verdict: str) -> None:
        """A join ended: ``pass``, ``fail`` or ``inconclusive``."""
        self._joins.labels(self._label(profile), verdict).inc()

    def radio(self, state: trace.RadioState) -> None:
        """How it stands with the radio; the same word twice is one."""
        before, self._radio_state = self._radio_state, state
        up = state is trace.RadioState.UP
        self._radio_up.set(up)
        if up and state is not before and self._radio_was_up:
            self._reconnects.inc()
        self._radio_was_up = self._radio_was_up or up

    def radio_answered(self, seconds: float) -> None:
        """A probe of the radio was answered after so long."""
        self._rtt.observe(seconds)

    def profile(self, name: str, generation: int) -> None:
        """What the Trust Center is from now on."""
        self._profile = self._label(name)
        self._info.clear()
        self._info.labels(name, generation).set(1)

    def mqtt(self, connected: bool) -> None:
        """Whether there is a broker."""
        self._mqtt.set(connected)

    def outbox(self, depth: int) -> None:
        """How many events wait for the broker."""
        self._outbox.set(depth)

    def captured(self, octets: int) -> None:
        """So many octets more were written to a capture. May be called in any thread."""
        self._captured.inc(octets)

    def loop_lag(self, seconds: float) -> None:
        """How late the event loop ran at worst lately."""
        self._lag.set(seconds)

    def text(self) -> bytes:
        """Everything in Prometheus' text format 0.0.4."""
        return exposition.generate_latest(_Plain(self._registry))

    def _count(self, direction: str, primitive: type) -> None:
        layer = _LAYERS.get(primitive.__module__)
        if layer is not None:
            self._frames.labels(direction, layer).inc()

    def _stepped(self, step: str, span: int) -> None:
        self._steps.labels(self._profile, step).observe(span / SECOND)

    def _label(self, profile: str) -> str:
        if profile not in self._known and len(self._known) >= PROFILES:
            return OTHERS
        self._known.add(profile)
        return profile


class _Plain(Collector):
    """A registry without the times at which its series were made, which nobody asked for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for family in self._registry.collect():
            family.samples = [each for each in family.samples if not each.name.endswith("_created")]
            yield family
