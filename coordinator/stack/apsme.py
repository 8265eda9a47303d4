"""The APSME: key and device commands between primitives and APS frames (05-3474, 4.4).

Link-key material moves here and nowhere else, at the moment of sending: what was really sent is
what is pending, whatever a behaviour made of it.
"""

from __future__ import annotations

from collections.abc import Callable

from coordinator import trace
from coordinator.codec import aps_commands
from coordinator.codec.aps_commands import KeyType
from coordinator.codec.cursor import EncodeError
from coordinator.codec.security_header import KeyIdentifier
from coordinator.primitives import Indication, apsde, apsme
from coordinator.security.material import LinkKey, LinkKeys
from coordinator.stack.aps import ApsLayer
from coordinator.stack.nib import Nib
from coordinator.stack.ticket import Ticket
from coordinator.types import DeviceType, Eui64, Instant, LinkKeyKind, NwkAddress, is_broadcast

NO_DEVICE = Eui64(0)

KeyRequest = (
    apsme.TransportKeyRequest
    | apsme.RemoveDeviceRequest
    | apsme.RequestKeyRequest
    | apsme.VerifyKeyRequest
    | apsme.ConfirmKeyRequest
    | apsme.SwitchKeyRequest
)


class Apsme:
    """Sends APSME requests, and turns received commands into indications."""

    def __init__(
        self,
        nib: Nib,
        note: trace.Sink,
        aps: ApsLayer,
        link_keys: LinkKeys,
        indicate: Callable[[Indication, Instant], None],
    ) -> None:
        self._nib = nib
        self._note = note
        self._aps = aps
        self._link_keys = link_keys
        self._indicate = indicate

    # --- down ---------------------------------------------------------------------------------

    def perform(self, request: KeyRequest, now: Instant, ticket: Ticket) -> None:
        """Send the command this request stands for. Raises EncodeError or CounterExhausted: nothing went."""
        match request:
            case apsme.TransportKeyRequest():
                self._transport_key(request, now, ticket)
            case apsme.ConfirmKeyRequest():
                self._confirm_key(request, now, ticket)
            case apsme.RemoveDeviceRequest():
                self._aps.send_command(
                    request.parent_address,
                    aps_commands.RemoveDevice(target=request.target),
                    now,
                    link_key=self._link_keys.entry(request.parent).current,
                    protection=KeyIdentifier.DATA,
                    ticket=ticket,
                )
            case apsme.RequestKeyRequest():
                self._aps.send_command(
                    request.address,
                    aps_commands.RequestKey(key_type=request.key_type, partner=request.partner),
                    now,
                    link_key=self._link_keys.entry(self._trust_center()).current,
                    protection=KeyIdentifier.DATA,
                    ticket=ticket,
                )
            case apsme.VerifyKeyRequest():
                command = aps_commands.VerifyKey(
                    key_type=request.key_type, source=self._nib.eui64, hash=request.hash
                )
                self._aps.send_command(request.address, command, now, ticket=ticket)
            case apsme.SwitchKeyRequest():
                self._aps.send_command(
                    request.address,
                    aps_commands.SwitchKey(sequence=request.sequence),
                    now,
                    link_key=self._key_with(request.device, request.protection),
                    protection=request.protection,
                    ticket=ticket,
                )

    def _trust_center(self) -> Eui64:
        return self._nib.trust_center or NO_DEVICE

    def _transport_key(self, request: apsme.TransportKeyRequest, now: Instant, ticket: Ticket) -> None:
        # Only those that have the network key can open what it protects, and all of them may have the next.
        to_members = request.nwk_secured and is_broadcast(request.address)
        if not to_members and not self._nib.admits(request.device):
            raise EncodeError(f"{request.device} is not on the allow-list, and gets no key")
        self._aps.send_command(
            request.address,
            self._key_command(request),
            now,
            link_key=self._key_with(request.device, request.protection),
            protection=request.protection,
            nwk_secured=request.nwk_secured,
            ticket=ticket,
        )
        if request.key_type == KeyType.TRUST_CENTER_LINK:
            kind = request.kind or LinkKeyKind.UNIQUE
            self._link_keys.offer(request.device, request.key, kind)
            self._note(trace.KeyInUse(at=now, key=request.key, device=request.device, kind=kind))

    def _key_with(self, device: Eui64 | None, protection: KeyIdentifier | None) -> LinkKey | None:
        """The link key that APS security with this device goes by; None: there is to be none."""
        if protection is None:
            return None
        return self._link_keys.entry(NO_DEVICE if device is None else device).current

    def _key_command(self, request: apsme.TransportKeyRequest) -> aps_commands.Command:
        match request.key_type:
            case KeyType.NETWORK:
                return aps_commands.TransportNetworkKey(
                    key=request.key,
                    sequence=request.key_sequence or 0,
                    destination=request.device,
                    source=self._nib.eui64,
                )
            case KeyType.APPLICATION_LINK | KeyType.APPLICATION_MASTER:
                return aps_commands.TransportApplicationLinkKey(
                    key=request.key,
                    partner=request.partner or NO_DEVICE,
                    initiator=int(request.initiator),
                    key_type=request.key_type,
                )
            case _:
                return aps_commands.TransportTrustCenterLinkKey(
                    key=request.key,
                    destination=request.device,
                    source=self._nib.eui64,
                    key_type=request.key_type,
                )

    def _confirm_key(self, request: apsme.ConfirmKeyRequest, now: Instant, ticket: Ticket) -> None:
        entry = self._link_keys.entry(request.device)
        link_key: LinkKey = entry.pending or entry.current
        command = aps_commands.ConfirmKey(
            status=request.status, key_type=request.key_type, destination=request.device
        )
        self._aps.send_command(
            request.address,
            command,
            now,
            link_key=link_key,
            protection=request.protection,
            ack_request=True,
            ticket=ticket,
        )
        if request.status == aps_commands.ConfirmKeyStatus.SUCCESS and entry.pending is not None:
            self._link_keys.promote(request.device)

    # --- up -----------------------------------------------------------------------------------

    def receive(
        self,
        command: aps_commands.Command,
        source: NwkAddress,
        device: Eui64 | None,
        security: apsde.Security,
        now: Instant,
    ) -> None:
        """Indicate a legally protected command, or drop what is not for this role."""
        indication = self._indication(command, source, device, security)
        if indication is None:
            self._note(
                trace.Dropped(
                    at=now,
                    layer="aps",
                    reason=f"{type(command).__name__} is not for this device",
                    source=device or source,
                )
            )
            return
        self._indicate(indication, now)

    def _indication(
        self,
        command: aps_commands.Command,
        source: NwkAddress,
        device: Eui64 | None,
        security: apsde.Security,
    ) -> Indication | None:
        if self._nib.device_type is DeviceType.COORDINATOR:
            return _at_trust_center(command, source, device, security)
        return self._at_joiner(command, device, security)

    def _at_joiner(
        self, command: aps_commands.Command, device: Eui64 | None, security: apsde.Security
    ) -> Indication | None:
        match command:
            case aps_commands.TransportNetworkKey() if command.destination in (self._nib.eui64, NO_DEVICE):
                if self._nib.trust_center is None:
                    self._nib.trust_center = command.source
                return apsme.TransportKeyIndication(
                    source=command.source,
                    device=command.destination,
                    key_type=KeyType.NETWORK,
                    key=command.key,
                    key_sequence=command.sequence,
                    security=security,
                )
            case aps_commands.TransportTrustCenterLinkKey() if command.destination == self._nib.eui64:
                return apsme.TransportKeyIndication(
                    source=command.source,
                    device=command.destination,
                    key_type=command.key_type,
                    key=command.key,
                    key_sequence=None,
                    security=security,
                )
            case aps_commands.ConfirmKey() if command.destination == self._nib.eui64:
                return apsme.ConfirmKeyIndication(
                    source=device,
                    status=command.status,
                    key_type=command.key_type,
                    device=command.destination,
                    security=security,
                )
            case aps_commands.RemoveDevice():
                return apsme.RemoveDeviceIndication(source=device, target=command.target, security=security)
            case aps_commands.SwitchKey():
                return apsme.SwitchKeyIndication(source=device, sequence=command.sequence, security=security)
            case _:
                return None


def _at_trust_center(
    command: aps_commands.Command, source: NwkAddress, device: Eui64 | None, security: apsde.Security
) -> Indication | None:
    match command:
        case aps_commands.RequestKey() if device is not None:
            return apsme.RequestKeyIndication(
                device=device,
                address=source,
                key_type=command.key_type,
                partner=command.partner,
                security=security,
            )
        case aps_commands.VerifyKey():
            return apsme.VerifyKeyIndication(
                device=device,
                address=source,
                key_type=command.key_type,
                source=command.source,
                hash=command.hash,
                security=security,
            )
        case aps_commands.UpdateDevice():
            return apsme.UpdateDeviceIndication(
                parent=device,
                device=command.device,
                address=command.address,
                status=command.status,
                security=security,
            )
        case _:
            return None
