"""When a change should have taken effect, and between which two frames, read off the trace alone.

Nothing here is taken from `coordinator.switching`: records are read anew, from their beginning to their end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from coordinator import trace
from coordinator.codec import zdp
from coordinator.primitives import apsme, mlme, nlme, zdo
from coordinator.types import SECOND, Instant

Records = Sequence[trace.Record]

EXCHANGE_LASTS, JOIN_LASTS = 10 * SECOND, 20 * SECOND
OVER = ("verified", "removing", "rejoining", "left")


def switch_at(records: Records, generation: int) -> int:
    """Where in the trace this generation begins."""
    (found,) = (
        index
        for index, record in enumerate(records)
        if isinstance(record, trace.Switched) and record.generation == generation
    )
    return found


def generation_at(records: Records, index: int) -> int:
    """How often the Trust Center had been made another before this record, from 1."""
    return 1 + sum(isinstance(record, trace.Switched) for record in records[:index])


def decided_at(records: Records, requested: trace.Requested) -> int:
    """Where in the trace a request was decided: with its first deviation, else when it went down.

    A request that goes later than its cause does so because a behaviour said so, and that is on record.
    """
    mine = [id(each) for each in requested.deviations]
    return next(index for index, record in enumerate(records) if record is requested or id(record) in mine)


def frames_of(records: Records) -> dict[int, list[int]]:
    """Where in the trace the frames of each request are."""
    found: dict[int, list[int]] = {}
    for index, record in enumerate(records):
        if isinstance(record, trace.Sent) and record.request_id is not None:
            found.setdefault(record.request_id, []).append(index)
    return found


def requests(records: Records) -> dict[int, trace.Requested]:
    """Every request by its number."""
    return {record.request_id: record for record in records if isinstance(record, trace.Requested)}


def assert_each_frame_has_the_generation_it_was_decided_in(records: Records) -> None:
    """Frames of a request have that of its decision; the stack's own, the one when they were queued."""
    asked = requests(records)
    decided = {number: decided_at(records, each) for number, each in asked.items()}
    for number, each in asked.items():
        assert each.generation == generation_at(records, decided[number]), each
    for index, record in enumerate(records):
        if not isinstance(record, trace.Sent):
            continue
        if record.request_id is None:
            assert record.generation <= generation_at(records, index), record
        else:
            assert record.generation == generation_at(records, decided[record.request_id]), record


def outstanding_at(records: Records, switch: int) -> int:
    """Requests that had been decided, and whose first frame left, or that were given up, only later."""
    frames = frames_of(records)
    concluded = {
        record.request_id: index
        for index, record in enumerate(records)
        if isinstance(record, trace.Concluded)
    }
    count = 0
    for number, requested in requests(records).items():
        ends = frames[number][0] if number in frames else concluded.get(number)
        if ends is not None and decided_at(records, requested) < switch < ends:
            count += 1
    return count


# --- moments -------------------------------------------------------------------------------------


def step_of(record: trace.Record, asked: dict[int, trace.Requested], first: set[int]) -> str | None:
    """The step of a join that a record is, by the name that users know. `first` grows."""
    if isinstance(record, trace.Indicated):
        match record.indication:
            case zdo.CommandIndication(command=zdp.DeviceAnnounce()):
                return "device-announce"
            case zdo.CommandIndication(command=zdp.NodeDescriptorRequest()):
                return "node-descriptor-request"
            case other:
                return {
                    mlme.BeaconRequestIndication: "beacon-request",
                    mlme.AssociateIndication: "association-request",
                    nlme.JoinIndication: "join",
                    nlme.LeaveIndication: "leave",
                    apsme.RequestKeyIndication: "request-key",
                    apsme.VerifyKeyIndication: "verify-key",
                }.get(type(other))
    if not isinstance(record, trace.Sent) or record.request_id is None or record.request_id in first:
        return None
    first.add(record.request_id)
    match asked[record.request_id].request:
        case mlme.AssociateResponse():
            return "association-response"
        case apsme.TransportKeyRequest(key_type=1):
            return "transport-key-nwk"
        case apsme.TransportKeyRequest(key_type=4):
            return "transport-key-tclk"
        case apsme.ConfirmKeyRequest():
            return "confirm-key"
        case zdo.CommandRequest(command=zdp.NodeDescriptorResponse()):
            return "node-descriptor-response"
        case nlme.LeaveRequest() | apsme.RemoveDeviceRequest():
            return "removal"
        case zdo.CommandRequest(command=zdp.MgmtLeaveRequest()):
            return "removal"
        case _:
            return None


def step_after(records: Records, name: str, count: int, start: int) -> int | None:
    """Where in the trace a step happens for the `count`-th time from `start` on."""
    asked, first = requests(records), set[int]()
    for index, record in enumerate(records):
        if step_of(record, asked, first) == name and index >= start:
            count -= 1
            if not count:
                return index
    return None


def free_from(
    records: Records, start: int, at: Instant, opens: Callable[[object], bool], lasts: int
) -> Instant:
    """When, not before `at`, nothing of the kind is open: a join, or a key exchange, of the one joiner."""
    until: Instant | None = None
    for index, record in enumerate(records):
        if index == start and (until is None or until <= at):
            return at
        if until is not None and until <= record.at:
            if index >= start:
                return until
            until = None
        if _closes(record):
            until = None
        elif isinstance(record, trace.Indicated):
            indication = record.indication
            if opens(indication) or (until is not None and _goes_on(indication)):
                until = Instant(record.at + lasts)
            elif isinstance(indication, mlme.AssociateIndication):
                until = None  # it begins anew
        if index >= start and until is None:
            return record.at
    return at if until is None else max(at, until)


def _closes(record: trace.Record) -> bool:
    match record:
        case trace.Indicated(indication=nlme.LeaveIndication()):
            return True
        case trace.Requested(request=mlme.AssociateResponse(status=status)):
            return status != 0
        case trace.StandingChanged():
            return record.after in OVER
        case _:
            return False


def _goes_on(indication: object) -> bool:
    if isinstance(indication, zdo.CommandIndication):
        return isinstance(indication.command, zdp.DeviceAnnounce)
    return isinstance(
        indication,
        nlme.JoinIndication | apsme.RequestKeyIndication | apsme.VerifyKeyIndication,
    )


def exchange_free_from(records: Records, start: int, at: Instant) -> Instant:
    """When, not before `at`, no key exchange is open."""
    return free_from(
        records, start, at, lambda each: isinstance(each, apsme.RequestKeyIndication), EXCHANGE_LASTS
    )


def join_free_from(records: Records, start: int, at: Instant) -> Instant:
    """When, not before `at`, no join is under way."""
    return free_from(records, start, at, lambda each: isinstance(each, mlme.AssociateIndication), JOIN_LASTS)
