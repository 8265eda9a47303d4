"""The independent reader of our captures: tshark, with an empty configuration and no preferences.

`read` gives tshark's fields of every frame; `tell` puts them into words, a line a step, and takes
nothing from our own decoder. Network and devices are named by what tshark reads of their addresses.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

KEYS, RADIO = "keys", "radio0"
"""The interfaces of a capture: key disclosures, and what was on the air."""

UNDECRYPTED = ("zbee_sec.encrypted_payload", "zbee_sec.extended_source_unknown")
MALFORMED = ("_ws.malformed", "_ws.malformed.expert", "_ws.malformed.reassembly")

FIELDS = (
    "frame.number", "frame.time_epoch", "frame.interface_name", "frame.comment", *MALFORMED, *UNDECRYPTED,
    "wpan.frame_type", "wpan.ack_request", "wpan.seq_no", "wpan.pending", "wpan.cmd", "wpan.dst_pan",
    "wpan.src_pan", "wpan.src16", "wpan.src64", "wpan.dst16", "wpan.dst64", "wpan.assoc_permit",
    "wpan.asoc.addr", "wpan.assoc.status", "wpan-tap.ch_num", "zbee_beacon.profile", "zbee_beacon.router",
    "zbee_beacon.end_dev", "zbee_beacon.ext_panid", "zbee_nwk.frame_type", "zbee_nwk.security",
    "zbee_nwk.src", "zbee_nwk.dst", "zbee_nwk.seqno", "zbee_nwk.cmd.id", "zbee_nwk.cmd.leave.request",
    "zbee_nwk.cmd.leave.rejoin", "zbee_nwk.cmd.leave.children", "zbee_aps.type", "zbee_aps.security",
    "zbee_aps.zdp_cluster", "zbee_aps.cmd.id", "zbee_aps.cmd.key", "zbee_aps.cmd.key_type",
    "zbee_aps.cmd.key_hash", "zbee_aps.cmd.status", "zbee_aps.cmd.dst", "zbee_aps.cmd.src",
    "zbee_aps.cmd.seqno", "zbee.sec.key_id", "zbee.sec.counter", "zbee.sec.src64", "zbee.sec.key",
    "zbee_zdp.status", "zbee_zdp.nwk_addr", "zbee_zdp.ext_addr", "zbee_zdp.server",
    "zbee_zdp.server.stack_compliance_revision", "zbee_zdp.duration",
)  # fmt: skip

_BETWEEN = "\x1f"
_DEVIATION = re.compile(r"(\w+\.\w+): .* -> ")


@dataclass(frozen=True, slots=True)
class Frame:
    """What tshark reads in one frame. A field that it does not find is absent."""

    fields: Mapping[str, tuple[str, ...]]

    def __contains__(self, name: str) -> bool:
        return name in self.fields

    def texts(self, name: str) -> tuple[str, ...]:
        """Every value of a field, from the outer layer to the inner."""
        return self.fields.get(name, ())

    def text(self, name: str) -> str:
        """The one value of a field, ``""`` where there is none."""
        texts = self.texts(name)
        assert len(texts) < 2, f"frame {self.texts('frame.number')}: several {name}: {texts}"
        return texts[0] if texts else ""

    def numbers(self, name: str) -> tuple[int, ...]:
        """Every value of a numeric field."""
        return tuple(int(text, 0) for text in self.texts(name))

    def number(self, name: str) -> int | None:
        """The one value of a numeric field."""
        text = self.text(name)
        return int(text, 0) if text else None

    def flag(self, name: str) -> bool:
        """True where a boolean field is set."""
        return self.text(name) in ("1", "True")

    @property
    def deviations(self) -> tuple[str, ...]:
        """The behaviours that the frame's comments blame."""
        found = (_DEVIATION.match(comment) for comment in self.texts("frame.comment"))
        return tuple(match[1] for match in found if match)


def tshark(path: Path, *arguments: str) -> str:
    """What tshark prints about a capture when it has nothing but the capture."""
    nowhere = path.parent / "no-preferences"
    nowhere.mkdir(exist_ok=True)
    environment = {**os.environ, "HOME": str(nowhere), "WIRESHARK_CONFIG_DIR": str(nowhere), "LC_ALL": "C"}
    environment.pop("XDG_CONFIG_HOME", None)
    command = ["tshark", "-n", "-r", str(path), *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def read(path: Path) -> list[Frame]:
    """Every frame of a capture, key disclosures included."""
    arguments = ["-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", f"aggregator={_BETWEEN}"]
    for field in FIELDS:
        arguments += ["-e", field]
    frames = []
    for line in tshark(path, *arguments).splitlines():
        values = zip(FIELDS, line.split("\t"), strict=True)
        frames.append(Frame({field: tuple(text.split(_BETWEEN)) for field, text in values if text}))
    return frames


def on_air(frames: Sequence[Frame]) -> list[Frame]:
    """The frames that were on the air."""
    return [frame for frame in frames if frame.text("frame.interface_name") == RADIO]


def command(frames: Sequence[Frame], identifier: int, key_type: int | None = None) -> list[Frame]:
    """The APS commands of one kind."""
    return [
        frame
        for frame in frames
        if frame.number("zbee_aps.cmd.id") == identifier
        and (key_type is None or frame.number("zbee_aps.cmd.key_type") == key_type)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who is who: EUI-64s as tshark prints them, and known keys by name."""

    trust_center: str
    joiner: str
    keys: Mapping[str, str]

    def name(self, eui64: str) -> str:
        """``TC``, ``joiner``, or the address of a stranger."""
        return {self.trust_center: "TC", self.joiner: "joiner"}.get(eui64, eui64)


_ZDP = {
    0x0001: "IEEE_addr_req",
    0x8001: "IEEE_addr_rsp",
    0x0002: "Node_Desc_req",
    0x8002: "Node_Desc_rsp",
    0x0013: "Device_annce",
    0x0034: "Mgmt_Leave_req",
    0x8034: "Mgmt_Leave_rsp",
    0x0036: "Mgmt_Permit_Joining_req",
}
_APS = {
    0x05: "Transport-Key",
    0x07: "Remove-Device",
    0x08: "Request-Key",
    0x0F: "Verify-Key",
    0x10: "Confirm-Key",
}
_NWK = {
    0x04: "Leave",
    0x08: "Link Status",
    0x0B: "End Device Timeout Request",
    0x0C: "End Device Timeout Response",
}
_BEACON, _ACK, _MAC_COMMAND = 0, 2, 3
_APS_ACK = 2
_BROADCAST = 0xFFF8


def acknowledgements(frames: Sequence[Frame]) -> dict[str, Frame]:
    """The ACK of each frame that got one, by the number of the frame: the next on the air, alike numbered."""
    air = on_air(frames)
    return {
        frame.text("frame.number"): following
        for frame, following in pairwise(air)
        if following.number("wpan.frame_type") == _ACK
        and following.text("wpan.seq_no") == frame.text("wpan.seq_no")
    }


class Teller:
    """Puts frames into words."""

    def __init__(self, frames: Sequence[Frame], cast: Cast) -> None:
        self._cast = cast
        self._acks = acknowledgements(frames)
        self._short = {0x0000: "TC"}
        for frame in frames:
            if (address := frame.number("wpan.asoc.addr")) is not None:
                self._short[address] = cast.name(frame.text("wpan.dst64"))

    def line(self, frame: Frame) -> str | None:
        """One step; None for acknowledgements, of the MAC and of APS."""
        kind = frame.number("wpan.frame_type")
        if kind == _ACK or frame.number("zbee_aps.type") == _APS_ACK:
            return None
        if kind == _BEACON:
            words = self._beacon(frame)
        elif kind == _MAC_COMMAND:
            words = self._mac_command(frame)
        elif "zbee_aps.cmd.id" in frame:
            words = self._aps_command(frame)
        elif "zbee_nwk.cmd.id" in frame:
            words = self._nwk_command(frame)
        else:
            words = self._zdp(frame)
        marks = "".join(f" !{behaviour}" for behaviour in frame.deviations)
        return f"{self._sender(frame)} {words}{self._security(frame)}{marks}"

    def _sender(self, frame: Frame) -> str:
        """By the address in the MAC header; the one that secured the frame must be the same."""
        if source := frame.text("wpan.src64"):
            name = self._cast.name(source)
        elif (short := frame.number("wpan.src16")) is not None:
            name = self._short.get(short, hex(short))
        else:
            return "joiner"
        for secured_by in frame.texts("zbee.sec.src64"):
            assert self._cast.name(secured_by) == name, f"sent by {name}, secured by {secured_by}"
        return name

    def _security(self, frame: Frame) -> str:
        keys = list(frame.numbers("zbee.sec.key_id"))
        layers = []
        if frame.flag("zbee_nwk.security"):
            layers.append(f"nwk {keys.pop(0)}")
        if frame.flag("zbee_aps.security"):
            layers.append(f"aps {keys.pop(0)}")
        assert not keys
        return f" [{', '.join(layers)}]" if layers else ""

    def _beacon(self, frame: Frame) -> str:
        rooms = [
            name
            for name, field in (
                ("permit", "wpan.assoc_permit"),
                ("router room", "zbee_beacon.router"),
                ("end-device room", "zbee_beacon.end_dev"),
            )
            if frame.flag(field)
        ]
        return f"Beacon profile {frame.number('zbee_beacon.profile')}, {', '.join(rooms)}"

    def _mac_command(self, frame: Frame) -> str:
        identifier = frame.number("wpan.cmd")
        if identifier == 0x01:
            return "Association Request"
        if identifier == 0x02:
            return f"Association Response {frame.text('wpan.assoc.status')}"
        if identifier == 0x04:
            ack = self._acks.get(frame.text("frame.number"))
            pending = "never acknowledged" if ack is None else f"pending {int(ack.flag('wpan.pending'))}"
            return f"Data Request, {pending}"
        if identifier == 0x07:
            return "Beacon Request"
        return f"MAC command {identifier}"

    def _aps_command(self, frame: Frame) -> str:
        words = [_APS.get(frame.number("zbee_aps.cmd.id") or 0, "APS command")]
        if (key_type := frame.number("zbee_aps.cmd.key_type")) is not None:
            words.append(f"type {key_type}")
        if key := frame.text("zbee_aps.cmd.key").replace(":", ""):
            words.append(f"key {self._cast.keys.get(key, 'unique')}")
        if (status := frame.number("zbee_aps.cmd.status")) is not None:
            words.append(f"status 0x{status:02x}")
        if target := frame.text("zbee_aps.cmd.dst"):
            words.append(f"for {self._cast.name(target)}")
        return " ".join(words)

    def _nwk_command(self, frame: Frame) -> str:
        identifier = frame.number("zbee_nwk.cmd.id") or 0
        words = [_NWK.get(identifier, f"NWK command {identifier}")]
        for option in ("request", "rejoin", "children"):
            if frame.flag(f"zbee_nwk.cmd.leave.{option}"):
                words.append(option)
        return " ".join(words)

    def _zdp(self, frame: Frame) -> str:
        cluster = frame.number("zbee_aps.zdp_cluster")
        assert cluster is not None, f"frame {frame.text('frame.number')}: nothing read in it"
        words = [_ZDP.get(cluster, hex(cluster))]
        if (status := frame.number("zbee_zdp.status")) is not None:
            words.append(f"status 0x{status:02x}")
        if (about := frame.number("zbee_zdp.nwk_addr")) is not None:
            words.append(f"of {self._short.get(about, hex(about))}")
        if device := frame.text("zbee_zdp.ext_addr"):
            words.append(f"EUI-64 of {self._cast.name(device)}")
        if (server := frame.number("zbee_zdp.server")) is not None:
            words.append(f"server mask 0x{server:04x}")
        if (seconds := frame.number("zbee_zdp.duration")) is not None:
            words.append(f"{seconds} s")
        return " ".join(words)


def tell(frames: Sequence[Frame], cast: Cast) -> list[str]:
    """The steps in their order. What is repeated at once is told once; Link Status, and broadcasts
    relayed or sent again, not at all.
    """
    return list(_folded(Teller(frames, cast), on_air(frames)))


def _folded(teller: Teller, frames: Sequence[Frame]) -> Iterator[str]:
    previous = ""
    broadcasts = set()
    for frame in frames:
        line = teller.line(frame)
        if line is None or "Link Status" in line:
            continue
        if (frame.number("zbee_nwk.dst") or 0) >= _BROADCAST:
            identity = (frame.number("zbee_nwk.src"), frame.number("zbee_nwk.seqno"))
            if identity in broadcasts:
                continue
            broadcasts.add(identity)
        if line != previous:
            yield line
        previous = line
