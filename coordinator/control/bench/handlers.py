"""The table from verbs to what is done. A verb that is not in it is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from coordinator.control.bench import devices, evidence, faults, keys, network, profiles, running
from coordinator.control.bench.bench import Bench
from coordinator.control.bench.health import Doctor
from coordinator.control.bench.scripts import Scripts
from coordinator.control.dispatch import Context, Handler
from coordinator.control.schema.base import Data, Request

Act = Callable[[Bench, Any, Context], Data | Awaitable[Data]]
"""A handler before it knows its bench; the dispatcher gives it its own kind of request."""


def table(bench: Bench, doctor: Doctor) -> Mapping[str, Handler]:
    """Every command that this bench can be given."""
    scripts = Scripts()
    acts: dict[str, Act] = {
        "profile/get": profiles.get,
        "profile/list": profiles.list_profiles,
        "profile/set": profiles.set_profile,
        "profile/reload": profiles.reload,
        "behaviour/list": profiles.list_behaviours,
        "behaviour/add": profiles.add_behaviour,
        "behaviour/remove": profiles.remove_behaviour,
        "behaviour/update": profiles.update_behaviour,
        "fault/arm": faults.arm,
        "fault/disarm": faults.disarm,
        "fault/list": faults.list_faults,
        "inject": faults.inject,
        "script/run": scripts.run,
        "script/cancel": scripts.cancel,
        "permit-join": running.permit_join,
        "run/start": running.start,
        "run/stop": running.stop,
        "run/get": running.get,
        "verdict/get": running.verdict,
        "device/list": devices.list_devices,
        "device/forget": devices.forget,
        "device/remove": devices.remove,
        "key/rotate": keys.rotate,
        "joiner/power": devices.power,
        "network/get": network.get,
        "network/form": network.form,
        "network/reset": network.reset,
        "capture/start": evidence.start,
        "capture/stop": evidence.stop,
        "health": doctor.ask,
    }
    return {verb: _bound(act, bench) for verb, act in acts.items()}


def _bound(act: Act, bench: Bench) -> Handler:
    def handler(request: Request, context: Context) -> Data | Awaitable[Data]:
        return act(bench, request, context)

    return handler
