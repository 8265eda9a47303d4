"""The ladder: one row a step of a join, as it happens. Rows are values; `render` draws them.

What the Trust Center says gets its row when its frame leaves, not when it is asked for: what never left
is a ghost that says why.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from coordinator import trace
from coordinator.codec import zdp
from coordinator.codec.security_header import KeyIdentifier
from coordinator.evidence import rungs
from coordinator.evidence.comments import explain_switch
from coordinator.evidence.rungs import Direction, Lane, Row
from coordinator.primitives import Request, apsme, bdb, mlme, nlme, zdo
from coordinator.types import GLOBAL_LINK_KEY, Eui64, Instant, LinkKeyKind, NwkAddress, is_broadcast

__all__ = ["Direction", "Ladder", "Row"]

_NETWORK_KEY, _TRUST_CENTER_LINK_KEY = 0x01, 0x04
_SUCCESS = 0x00
_SILENCE = "silence"
_FAULT = "fault."
_AWAITED = 256

_V = TypeVar("_V")

Rows = tuple[Row, ...]
Intended = tuple[trace.Requested, Eui64 | None, Lane]
"""A request of which no frame has left yet, and whose step it is."""


class Ladder:
    """Takes the coordinator's records in order; each `note` returns the rows it adds, usually one or none."""

    def __init__(self) -> None:
        self._lanes: dict[Eui64, Lane] = {}
        self._air = Lane()
        self._addresses: dict[NwkAddress, Eui64] = {}
        self._intended: OrderedDict[int, Intended] = OrderedDict()
        self._awaited: OrderedDict[int, Row] = OrderedDict()
        self._install_codes: set[Eui64] = set()
        self._asker: Eui64 | None = None
        self._radio_is_up = True
        self._methods: dict[type, Callable[..., Rows]] = {
            trace.Indicated: self._indicated,
            trace.Requested: self._requested,
            trace.Sent: self._sent,
            trace.Concluded: self._concluded,
            trace.Deviated: self._deviated,
            trace.KeyInUse: self._key_in_use,
            trace.TurnedAway: self._turned_away,
            trace.RadioChanged: self._radio_changed,
            trace.Resumed: self._resumed,
            trace.Switched: self._switched,
        }
        self._from_joiner: dict[type, Callable[..., Rows]] = {
            mlme.BeaconRequestIndication: self._scanned,
            mlme.AssociateIndication: self._asked_to_associate,
            nlme.JoinIndication: self._joined,
            nlme.LeaveIndication: self._left,
            apsme.UpdateDeviceIndication: self._heard,
            apsme.RequestKeyIndication: self._heard,
            apsme.VerifyKeyIndication: self._heard,
            zdo.CommandIndication: self._commanded,
            bdb.NodeJoinTimeoutIndication: self._timed_out,
        }

    def note(self, record: trace.Record) -> Rows:
        """Take one record."""
        method = self._methods.get(type(record))
        return () if method is None else method(record)

    def close(self, at: Instant) -> Rows:
        """The window closes: what was still to be expected of those that are in the network."""
        return tuple(row for device, lane in self._lanes.items() for row in lane.give_up(device, at))

    def forget(self, device: Eui64) -> None:
        """Forget one device."""
        self._lanes.pop(device, None)
        for address in [address for address, owner in self._addresses.items() if owner == device]:
            del self._addresses[address]

    # From the joiner

    def _indicated(self, record: trace.Indicated) -> Rows:
        method = self._from_joiner.get(type(record.indication))
        if method is None:
            return ()
        rows: Rows = method(record.indication, record.at)
        self._asker = rows[-1].device if rows else None
        return rows

    def _scanned(self, indication: mlme.BeaconRequestIndication, at: Instant) -> Rows:
        return (self._air.row(None, at, Direction.FROM_JOINER, rungs.step(indication), rungs.UNSECURED),)

    def _asked_to_associate(self, indication: mlme.AssociateIndication, at: Instant) -> Rows:
        device = indication.device
        lane = self._lanes.get(device)
        ghosts: Rows = ()
        if lane is None or lane.associated is not None:
            ghosts = () if lane is None else lane.end(device, at)
            lane = self._lanes[device] = Lane()
            if device in self._install_codes:
                lane.key = LinkKeyKind.INSTALL_CODE
        asked = lane.row(device, at, Direction.FROM_JOINER, rungs.step(indication), rungs.UNSECURED)
        return (*ghosts, asked)

    def _joined(self, indication: nlme.JoinIndication, at: Instant) -> Rows:
        lane = self._lanes.setdefault(indication.device, Lane())
        lane.associated = at
        self._addresses[indication.address] = indication.device
        return ()

    def _left(self, indication: nlme.LeaveIndication, at: Instant) -> Rows:
        device = indication.device
        if device is None:
            return ()
        lane = self._lane(device)
        ghosts = lane.end(device, at)
        return (*ghosts, lane.row(device, at, Direction.FROM_JOINER, rungs.step(indication), rungs.NWK_KEY))

    def _heard(
        self,
        indication: apsme.UpdateDeviceIndication | apsme.RequestKeyIndication | apsme.VerifyKeyIndication,
        at: Instant,
    ) -> Rows:
        device = indication.device
        if device is None:
            return ()
        lane = self._lane(device)
        if isinstance(indication, apsme.RequestKeyIndication):
            if indication.key_type == _TRUST_CENTER_LINK_KEY:
                lane.verified = False
                lane.owe("Transport-Key (TC link)", Direction.TO_JOINER)
        elif isinstance(indication, apsme.VerifyKeyIndication):
            lane.pay("Verify-Key")
            lane.owe("Confirm-Key", Direction.TO_JOINER)
        key = rungs.security(indication.security)
        return (lane.row(device, at, Direction.FROM_JOINER, rungs.step(indication), key),)

    def _commanded(self, indication: zdo.CommandIndication, at: Instant) -> Rows:
        command = indication.command
        device = indication.device or self._addresses.get(indication.source)
        if isinstance(command, zdp.DeviceAnnounce):
            self._addresses[command.address] = device = command.ieee
        if device is None:
            return ()
        lane = self._lane(device)
        if isinstance(command, zdp.DeviceAnnounce):
            lane.announced = True
            lane.pay("Device_annce")
        elif isinstance(command, zdp.NodeDescriptorRequest):
            lane.owe("Node_Desc_rsp", Direction.TO_JOINER)
        key = rungs.security(indication.security)
        return (lane.row(device, at, Direction.FROM_JOINER, rungs.step(indication), key),)

    def _timed_out(self, indication: bdb.NodeJoinTimeoutIndication, at: Instant) -> Rows:
        device = indication.device
        return (self._lane(device).row(device, at, Direction.HERE, f"{rungs.step(indication)} ran out", ""),)

    # From the Trust Center

    def _requested(self, record: trace.Requested) -> Rows:
        if isinstance(record.request, nlme.SetActiveKeyRequest):
            return (self._air.row(None, record.at, Direction.HERE, rungs.step(record.request), ""),)
        found = self._lane_of(record.request)
        if found is not None:
            _remember(self._intended, record.request_id, (record, *found))
        return ()

    def _sent(self, record: trace.Sent) -> Rows:
        """A frame left. The first one of a request is the step; others repeat it."""
        intended = None if record.request_id is None else self._intended.pop(record.request_id, None)
        if intended is None:
            return ()
        requested, device, lane = intended
        request, at = requested.request, record.at
        if not self._radio_is_up:
            note = "not sent (there is no radio)"
            return (lane.ghost(device, at, Direction.TO_JOINER, rungs.step(request), note),)
        ghosts = lane.end(device, at) if device is not None and _tells_to_leave(request) else ()
        key = _secured(lane, request)
        deviations = (
            *requested.deviations,
            *(each for each in record.deviations if each not in requested.deviations),
        )
        row = lane.row(device, at, Direction.TO_JOINER, rungs.step(request), key, deviations)
        if any(each.behaviour.startswith(_FAULT) for each in record.deviations):
            _remember(self._intended, requested.request_id, intended)  # whole frames of it are steps as well
        _remember(self._awaited, requested.request_id, row)
        return (*ghosts, row)

    def _lane_of(self, request: Request) -> tuple[Eui64 | None, Lane] | None:
        """Whose step this request is; None: nobody's."""
        device: Eui64 | None
        match request:
            case mlme.BeaconRequest() | apsme.SwitchKeyRequest(device=None):
                return None, self._air
            case apsme.TransportKeyRequest(address=address) if is_broadcast(address):
                return None, self._air
            case apsme.SwitchKeyRequest():
                device = request.device
            case mlme.AssociateResponse() | apsme.TransportKeyRequest() | apsme.ConfirmKeyRequest():
                device = request.device
            case apsme.RemoveDeviceRequest():
                device = request.target
            case nlme.LeaveRequest(device=None):
                return None, self._air
            case nlme.LeaveRequest():
                device = request.device
            case zdo.CommandRequest():
                device = self._owner(request)
            case _:
                device = None
        return None if device is None else (device, self._lane(device))

    def _owner(self, request: zdo.CommandRequest) -> Eui64 | None:
        if is_broadcast(request.destination):
            return None
        return self._addresses.get(request.destination)

    def _concluded(self, record: trace.Concluded) -> Rows:
        # It stays: what a fault withheld may come again, as the APS layer's repetition.
        intended = None if record.delivered else self._intended.get(record.request_id)
        if intended is not None:
            return self._not_sent(intended, record)
        row = self._awaited.pop(record.request_id, None)
        if row is None or record.delivered:
            return ()
        lane = self._air if row.device is None else self._lane(row.device)
        reason = f"not acknowledged ({record.reason})" if record.reason else "not acknowledged"
        return (lane.ghost(row.device, record.at, Direction.TO_JOINER, row.what, reason),)

    @staticmethod
    def _not_sent(intended: Intended, record: trace.Concluded) -> Rows:
        """No frame of it was ever on the air. What made it late is told; what it would have said is not."""
        requested, device, lane = intended
        note = f"not sent ({record.reason})" if record.reason else "not sent"
        late = tuple(each for each in requested.deviations if each.at != requested.at)
        what = rungs.step(requested.request)
        return (lane.ghost(device, record.at, Direction.TO_JOINER, what, note, late),)

    def _deviated(self, record: trace.Deviated) -> Rows:
        """A behaviour that silences an answer leaves no request: this is the only trace of it."""
        if record.after != _SILENCE:
            return ()
        device = self._asker
        lane = self._air if device is None else self._lane(device)
        return (
            lane.ghost(device, record.at, Direction.TO_JOINER, record.before, "silence instead", (record,)),
        )

    def _radio_changed(self, record: trace.RadioChanged) -> Rows:
        self._radio_is_up = record.state is trace.RadioState.UP
        return ()

    def _switched(self, record: trace.Switched) -> Rows:
        """Nothing that a device did: the Trust Center is another from here on."""
        times = [
            lane.associated for lane in self._lanes.values() if lane.associated is not None and not lane.over
        ]
        since = record.at - times[0] if len(times) == 1 else None
        what = explain_switch(record)
        return (Row(at=record.at, device=None, direction=Direction.HERE, what=what, since=since),)

    def _turned_away(self, record: trace.TurnedAway) -> Rows:
        what = "Association Request; denied, not on the allow-list"
        return (self._air.row(record.device, record.at, Direction.FROM_JOINER, what, rungs.UNSECURED),)

    def _resumed(self, record: trace.Resumed) -> Rows:
        """It goes on where it was: no step of an earlier session is shown again."""
        lane = self._lanes[record.device] = Lane()
        lane.key, lane.offered = record.link_key, record.pending
        lane.announced = True
        self._addresses[record.address] = record.device
        return ()

    def _key_in_use(self, record: trace.KeyInUse) -> Rows:
        if record.device is not None and record.kind is LinkKeyKind.INSTALL_CODE:
            lane = self._lanes.get(record.device)
            if lane is None:
                self._install_codes.add(record.device)
            elif lane.offered is None:
                lane.key = record.kind
        return ()

    def _lane(self, device: Eui64) -> Lane:
        lane = self._lanes.get(device)
        if lane is None:
            lane = self._lanes[device] = Lane()
        return lane


def _remember(kept: OrderedDict[int, _V], request: int, value: _V) -> None:
    kept[request] = value
    if len(kept) > _AWAITED:
        kept.popitem(last=False)


def _tells_to_leave(request: Request) -> bool:
    match request:
        case apsme.RemoveDeviceRequest() | nlme.LeaveRequest():
            return True
        case zdo.CommandRequest(command=zdp.MgmtLeaveRequest()):
            return True
        case _:
            return False


def _secured(lane: Lane, request: Request) -> str:
    """Which key secures it; the lane learns what it gives and what is owed from now on."""
    match request:
        case apsme.TransportKeyRequest():
            return _transport(lane, request)
        case apsme.ConfirmKeyRequest():
            return _confirm(lane, request)
        case apsme.RemoveDeviceRequest():
            return rungs.protection(True, KeyIdentifier.DATA, lane.key)
        case apsme.SwitchKeyRequest():
            return rungs.protection(True, request.protection, lane.key)
        case mlme.BeaconRequest() | mlme.AssociateResponse():
            return rungs.UNSECURED
        case zdo.CommandRequest(command=zdp.NodeDescriptorResponse()):
            lane.pay("Node_Desc_rsp")
            return rungs.NWK_KEY
        case _:
            return rungs.NWK_KEY


def _transport(lane: Lane, request: apsme.TransportKeyRequest) -> str:
    key = rungs.protection(request.nwk_secured, request.protection, lane.key)
    if request.key_type == _NETWORK_KEY and not request.nwk_secured and not lane.announced:
        lane.owe("Device_annce", Direction.FROM_JOINER)
    elif request.key_type == _TRUST_CENTER_LINK_KEY:
        lane.pay("Transport-Key (TC link)")
        if not lane.verified:  # a repeated request is answered as well, and needs no second proof
            lane.owe("Verify-Key", Direction.FROM_JOINER)
        known = LinkKeyKind.GLOBAL if request.key == GLOBAL_LINK_KEY else request.kind
        lane.offered = known or LinkKeyKind.UNIQUE
    return key


def _confirm(lane: Lane, request: apsme.ConfirmKeyRequest) -> str:
    """Under the key on offer if there is one: the stack protects refusals with it as well."""
    lane.pay("Confirm-Key")
    key = rungs.protection(True, request.protection, lane.offered or lane.key)
    if request.status == _SUCCESS and lane.offered is not None:
        lane.key, lane.offered = lane.offered, None
        lane.verified = True
    return key
