"""What an Open Coordinator Backup must have for us to take it over: each field checked, with its JSON path.

Keys are never echoed.
"""

from __future__ import annotations

from coordinator.profiles.errors import ConfigurationError
from coordinator.security.counters import COUNTER_LIMIT

ROOM = 1_000_000
"""Counter values that a network taken over must have left; our choice."""

FORMAT = "zigpy/open-coordinator-backup"
VERSION = 1


def check(found: object, source: str) -> dict[str, object]:
    """The same document with what is optional filled in. Raises ConfigurationError."""
    return _Check(source).document(found)


class _Check:
    """Walks the document; `source` names it in every complaint."""

    def __init__(self, source: str) -> None:
        self._source = source

    def _refuse(self, path: str, message: str) -> ConfigurationError:
        return ConfigurationError(self._source, path, message)

    def document(self, found: object) -> dict[str, object]:
        document = dict(self._object(found, ""))
        metadata = dict(self._object(document.get("metadata"), "metadata"))
        form, version = metadata.get("format"), metadata.get("version")
        if form != FORMAT:
            raise self._refuse("metadata.format", f"expected '{FORMAT}', found '{str(form)[:40]}'")
        if version != VERSION:
            raise self._refuse("metadata.version", f"only version 1 is known, not {str(version)[:40]}")
        metadata.setdefault("source", None)
        metadata["internal"] = self._internal(metadata.get("internal", {}))
        document["metadata"] = metadata
        for name, octets in (("coordinator_ieee", 8), ("pan_id", 2), ("extended_pan_id", 8)):
            self._hex(document.get(name), name, octets)
        if str(document["pan_id"]).lower() in ("ffff", "0xffff"):
            raise self._refuse("pan_id", "0xffff is every PAN and no network's")
        self._number(document.get("channel"), "channel", 11, 26)
        self._number(document.setdefault("nwk_update_id", 0), "nwk_update_id", 0, 255)
        self._number(document.setdefault("security_level", 5), "security_level", 5, 5)
        mask = document.setdefault("channel_mask", [document["channel"]])
        for index, channel in enumerate(self._list(mask, "channel_mask")):
            self._number(channel, f"channel_mask[{index}]", 11, 26)
        key = self._object(document.get("network_key"), "network_key")
        self._hex(key.get("key"), "network_key.key", 16)
        self._number(key.get("sequence_number"), "network_key.sequence_number", 0, 255)
        # Further on there is no room for the jump that keeps counters rising, and for a network after it.
        self._number(key.get("frame_counter"), "network_key.frame_counter", 0, COUNTER_LIMIT - ROOM)
        self._stack_specific(document.get("stack_specific"))
        devices = self._list(document.setdefault("devices", []), "devices")
        document["devices"] = [
            self._device(device, f"devices[{index}]") for index, device in enumerate(devices)
        ]
        return document

    def _internal(self, found: object) -> dict[str, object]:
        """What zigpy puts there; of others only the date is of use, and it is not needed."""
        internal = dict(self._object(found, "metadata.internal"))
        network = self._object(internal.get("network", {}), "metadata.internal.network")
        if "tc_link_key" in network:
            path = "metadata.internal.network.tc_link_key"
            key = self._object(network["tc_link_key"], path)
            self._hex(key.get("key"), f"{path}.key", 16)
            self._number(key.get("frame_counter", 0), f"{path}.frame_counter", 0, COUNTER_LIMIT)
            self._hex(network.get("tc_address"), "metadata.internal.network.tc_address", 8)
        return {name: value for name, value in internal.items() if name not in ("date", "creation_time")}

    def _stack_specific(self, found: object) -> None:
        ezsp = self._object(found or {}, "stack_specific").get("ezsp") or {}
        seed = self._object(ezsp, "stack_specific.ezsp").get("hashed_tclk")
        if seed is not None:
            self._hex(seed, "stack_specific.ezsp.hashed_tclk", 16)

    def _device(self, found: object, path: str) -> dict[str, object]:
        device = dict(self._object(found, path))
        self._hex(device.get("ieee_address"), f"{path}.ieee_address", 8)
        address = device.setdefault("nwk_address", None)
        if address is not None:
            # Zigbee2MQTT leaves leading zeros out.
            text = address.zfill(4) if isinstance(address, str) else address
            device["nwk_address"] = self._hex(text, f"{path}.nwk_address", 2)
        if device.get("link_key") is None:
            device.pop("link_key", None)
            return device
        key = dict(self._object(device["link_key"], f"{path}.link_key"))
        self._hex(key.get("key"), f"{path}.link_key.key", 16)
        for name in ("rx_counter", "tx_counter"):
            self._number(key.setdefault(name, 0), f"{path}.link_key.{name}", 0, COUNTER_LIMIT)
        device["link_key"] = key
        return device

    def _object(self, found: object, path: str) -> dict[str, object]:
        if not isinstance(found, dict):
            raise self._refuse(path, "missing" if found is None else "an object is wanted here")
        return found

    def _list(self, found: object, path: str) -> list[object]:
        if not isinstance(found, list):
            raise self._refuse(path, "a list is wanted here")
        return found

    def _hex(self, found: object, path: str, octets: int) -> str:
        if found is None:
            raise self._refuse(path, "missing")
        digits = "0123456789abcdefABCDEF"
        if (
            not isinstance(found, str)
            or len(found) != 2 * octets
            or any(digit not in digits for digit in found)
        ):
            raise self._refuse(path, f"{2 * octets} hexadecimal digits are wanted here")
        return found

    def _number(self, found: object, path: str, low: int, high: int) -> None:
        if found is None:
            raise self._refuse(path, "missing")
        if isinstance(found, bool) or not isinstance(found, int) or not low <= found <= high:
            raise self._refuse(path, f"expected a whole number from {low} to {high}, found {str(found)[:40]}")
