"""What tshark must read in the captures of the main runs, step by step, as `wireshark.tell` puts it.

The order, the protection of each command and its key id are those of protocol.md 1.5 and 1.8, the
masks those of 1.6; `[nwk 1, aps 3]` is NWK security under key id 1 and APS security under key id 3.
"""

from __future__ import annotations


def ignored(asked: tuple[str, ...], behaviour: str) -> tuple[str, ...]:
    """Commands that stay unanswered: the capture says beside them what kept the answer back."""
    return tuple(f"{command} !{behaviour}" for command in asked)


DISCOVERY = (
    "joiner Beacon Request",
    "TC Beacon profile 2, permit, router room, end-device room",
    "joiner Beacon Request",
)
ASSOCIATION = (
    "joiner Association Request",
    "joiner Data Request, pending 1",
    "TC Association Response 0x00",
)
NETWORK_KEY = ("TC Transport-Key type 1 key network for joiner [aps 2]",)
ANNOUNCED = ("joiner Device_annce of joiner EUI-64 of joiner [nwk 1]",)
AUTHENTICATED = (*DISCOVERY, *ASSOCIATION, *NETWORK_KEY, *ANNOUNCED)
INTERVIEW = (
    "TC Node_Desc_req of joiner [nwk 1]",
    "joiner Node_Desc_rsp status 0x00 of joiner server mask 0x2c00 [nwk 1]",
)
DESCRIPTOR = (
    "joiner Node_Desc_req of TC [nwk 1]",
    "TC Node_Desc_rsp status 0x00 of TC server mask 0x2c41 [nwk 1]",
)
REQUEST_KEY = ("joiner Request-Key type 4 [nwk 1, aps 0]",)
UNIQUE_KEY = (*REQUEST_KEY, "TC Transport-Key type 4 key unique for joiner [nwk 1, aps 3]")
REUSED_KEY = (*REQUEST_KEY, "TC Transport-Key type 4 key global for joiner [nwk 1, aps 3] !tclk.reuse_global")
VERIFY_KEY = ("joiner Verify-Key type 4 [nwk 1]",)
CONFIRMED = (*VERIFY_KEY, "TC Confirm-Key type 4 status 0x00 for joiner [nwk 1, aps 0]")
REFUSED = (*VERIFY_KEY, "TC Confirm-Key type 4 status 0xad for joiner [nwk 1, aps 0] !confirm.status")
STEERED = ("joiner Mgmt_Permit_Joining_req 180 s [nwk 1]",)
PRESENT = (
    "TC IEEE_addr_req of joiner [nwk 1]",
    "joiner IEEE_addr_rsp status 0x00 of joiner EUI-64 of joiner [nwk 1]",
)
"""Asked shortly before the window closes, of whoever is in the network and awake (ADR 11)."""
LEAVES = ("joiner Leave [nwk 1]",)
REMOVED = ("TC Leave request [nwk 1]", *LEAVES)
POLL = ("joiner Data Request, pending 1",)
IDLE_POLL = ("joiner Data Request, pending 0",)

IN_THE_CLEAR = (*ASSOCIATION, "TC Transport-Key type 1 key network for joiner !nwkkey.clear")

STORIES = {
    ("zb3", "zboss-r22"): (*AUTHENTICATED, *DESCRIPTOR, *UNIQUE_KEY, *CONFIRMED, *STEERED, *PRESENT),
    ("pre-zb3", "zboss-r22"): (*AUTHENTICATED, *INTERVIEW, *DESCRIPTOR, *REUSED_KEY, *LEAVES),
    ("pre-zb3", "telink"): (
        *AUTHENTICATED, *INTERVIEW, *DESCRIPTOR, *REUSED_KEY, *CONFIRMED, *STEERED,
        *PRESENT,
    ),
    ("pre-zb3", "zboss-r22-legacy-update"): (
        *AUTHENTICATED, *INTERVIEW, *DESCRIPTOR, *REUSED_KEY, *REMOVED,
    ),
    ("pre-zb3", "zboss-r22-legacy"): (*AUTHENTICATED, INTERVIEW[0], *STEERED, INTERVIEW[1], *REMOVED),
    ("clear-key", "zboss-r22"): (
        *DISCOVERY, *IN_THE_CLEAR, *IN_THE_CLEAR, *IN_THE_CLEAR,
        *DISCOVERY, *DISCOVERY[1:],
    ),
    ("missing-confirm-key", "zboss-r22"): (
        *AUTHENTICATED, *DESCRIPTOR, *UNIQUE_KEY,
        *ignored(VERIFY_KEY, "verify.ignore"), *LEAVES,
    ),
    ("negative-confirm", "zboss-r22"): (*AUTHENTICATED, *DESCRIPTOR, *UNIQUE_KEY, *REFUSED, *LEAVES),
    ("no-node-descriptor", "zboss-r22"): (
        *AUTHENTICATED, *ignored(DESCRIPTOR[:1], "nodedesc.ignore"), *LEAVES,
    ),
    ("silent-request-key", "zboss-r22"): (
        *AUTHENTICATED, *DESCRIPTOR, *ignored(REQUEST_KEY, "reqkey.ignore"), *LEAVES,
    ),
    ("leave-on-timeout", "ha12"): (*AUTHENTICATED, *REMOVED),
    ("zb3", "sleepy-zb3"): (
        *DISCOVERY, *ASSOCIATION, *POLL, *NETWORK_KEY, *ANNOUNCED,
        "joiner End Device Timeout Request [nwk 1]", *POLL, "TC End Device Timeout Response [nwk 1]",
        *IDLE_POLL, *DESCRIPTOR[:1], *POLL, *DESCRIPTOR[1:], *REQUEST_KEY, *POLL, *UNIQUE_KEY[1:],
        *VERIFY_KEY, *POLL, *CONFIRMED[1:], *IDLE_POLL,
    ),
}  # fmt: skip
