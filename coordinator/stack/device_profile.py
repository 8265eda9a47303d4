"""The Zigbee Device Profile: messages in and out, and the server's answers through the conductor."""

from __future__ import annotations

from coordinator.codec import zdp
from coordinator.codec.cursor import DecodeError
from coordinator.primitives import apsde, zdo
from coordinator.stack.layers import Layers
from coordinator.stack.nlme import Nlme
from coordinator.stack.ticket import Ticket
from coordinator.stack.zdo import Describe, respond
from coordinator.types import Instant, is_broadcast

PROFILE = 0x0000
ENDPOINT = 0


class DeviceProfile:
    """Sends `zdo.CommandRequest` and takes every APSDE-DATA.indication; what is no ZDP goes up as it is."""

    def __init__(self, layers: Layers, nlme: Nlme, endpoints: tuple[zdp.SimpleDescriptor, ...]) -> None:
        self._layers = layers
        self._nlme = nlme
        self._endpoints = endpoints

    def send(self, request: zdo.CommandRequest, now: Instant, ticket: Ticket) -> None:
        """Send a ZDP command. Raises EncodeError."""
        layers = self._layers
        sequence = layers.nib.next_zdp_sequence() if request.sequence is None else request.sequence
        data = apsde.DataRequest(
            destination=request.destination,
            destination_endpoint=ENDPOINT,
            profile=PROFILE,
            cluster=zdp.cluster_of(request.command),
            source_endpoint=ENDPOINT,
            asdu=zdp.encode(zdp.Message(sequence=sequence, command=request.command)),
            acknowledge=request.acknowledge,
        )
        layers.aps.send_data(data, now, ticket)
        if isinstance(request.command, zdp.DeviceAnnounce):
            self._nlme.announced(now)

    def receive(self, indication: apsde.DataIndication, now: Instant) -> None:
        """Tell the application, then answer a ZDP request."""
        layers = self._layers
        if indication.profile != PROFILE or indication.destination_endpoint != ENDPOINT:
            layers.indicate(indication, now)
            return
        try:
            message = zdp.decode(indication.cluster, indication.asdu)
        except DecodeError as error:
            layers.drop("zdp", str(error), indication.source, now)
            return
        cause = zdo.CommandIndication(
            source=indication.source,
            device=indication.device,
            broadcast=is_broadcast(indication.destination),
            sequence=message.sequence,
            command=message.command,
            security=indication.security,
        )
        if isinstance(message.command, zdp.DeviceAnnounce):
            self._announced(message.command, now)
        layers.indicate(cause, now)
        node = Describe(
            nib=layers.nib,
            endpoints=self._endpoints,
            neighbors=layers.nwk.neighbors,
        )
        layers.conductor.answer(cause, lambda policy: respond(cause, policy, node), layers.policy, now)

    def _announced(self, announcement: zdp.DeviceAnnounce, now: Instant) -> None:
        """A Device_annce: whoever was known at that address is not there any more (2.4.3.1.11)."""
        layers = self._layers
        nib, neighbors = layers.nib, layers.nwk.neighbors
        device, address = announcement.ieee, announcement.address
        if device == nib.eui64:
            return
        if address == nib.address or is_broadcast(address):
            layers.drop("zdp", f"Device_annce of {device} with an address it cannot have", address, now)
            return
        layers.nwk.learn(device, address)
        holder = neighbors.find(address)
        if holder is not None and holder.device != device:
            layers.part(holder.device, address, now)
        neighbor = neighbors.find_device(device)
        if neighbor is not None and neighbor.address != address:
            layers.mac.indirect.discard(neighbor.address, now)
            neighbors.move(neighbor, address)
