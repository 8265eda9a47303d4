"""Frames taken apart in the order they were captured: what a `Dissector` has read, it uses for the next."""

from __future__ import annotations

import enum
from collections.abc import Iterable

from coordinator.evidence import dissect_aps, dissect_mac, dissect_nwk, phy
from coordinator.evidence.captured import CapturedFrame
from coordinator.evidence.dissection import Dissection, Draft
from coordinator.evidence.keyring import Keyring
from coordinator.evidence.knowledge import AddressBook, Carried, Knowledge
from coordinator.types import Key


class Start(enum.Enum):
    """The layer at which bare octets begin."""

    MAC = "mac"
    NWK = "nwk"
    APS = "aps"


class Dissector:
    """Takes frames apart and decrypts what its keys open.

    It knows the `keys` given and ZigBeeAlliance09, and learns on the way: keys from Transport-Key commands
    and from decryption secrets, EUI-64s of short addresses. Any octets give a `Dissection`; nothing raises.
    """

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        self._knowledge = Knowledge(Keyring(keys), AddressBook())
        self._count = 0

    def captured(self, frame: CapturedFrame) -> Dissection:
        """The next packet of a capture file. Octets in errors count from the first of the packet."""
        for secrets in frame.secrets:
            self._knowledge.keyring.learn_secrets(secrets)
        self._count = frame.index
        snapped = frame.original_length > len(frame.octets)
        return self._read(phy.unwrap(frame.link_type, frame.octets, snapped), Start.MAC)

    def bare(self, octets: bytes, start: Start = Start.MAC) -> Dissection:
        """Octets of which only the first layer is known; an FCS behind a MAC frame is noticed if it holds."""
        self._count += 1
        if start is Start.MAC:
            return self._read(phy.unwrap_bare(octets), start)
        return self._read(phy.Unwrapped(octets, 0, {}, (), True), start)

    def _read(self, unwrapped: phy.Unwrapped, start: Start) -> Dissection:
        draft = Draft(self._count, trusted=unwrapped.intact)
        if unwrapped.fields:
            draft.layers[phy.LAYER] = unwrapped.fields
        draft.errors += unwrapped.errors
        if unwrapped.psdu is not None:
            self._layers(draft, unwrapped.psdu, unwrapped.base, start)
        return draft.finish()

    def _layers(self, draft: Draft, octets: bytes, base: int, start: Start) -> None:
        carried: Carried | None = Carried(octets, base)
        if start is Start.MAC:
            carried = dissect_mac.dissect(draft, self._knowledge.addresses, octets, base)
        if carried is not None and start is not Start.APS:
            carried = dissect_nwk.dissect(draft, self._knowledge, carried)
        if carried is not None:
            dissect_aps.dissect(draft, self._knowledge, carried)
