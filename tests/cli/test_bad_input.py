"""Bad input: one clear line that says what and where, the documented code, nothing left behind."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from coordinator.cli import invoke

USAGE, CONFIGURATION = 2, 3
SIMULATE = ("simulate", "--profile", "zb3", "--joiner", "telink")
CODE = "f4ce360011223344=83FED3407A939723A5C639B26916D505C3B5"
OTHER_CODE = "f4ce360011223344=11223344556677884AF7"

HEAD = b"""title = "a test"
summary = "a test"
imitates = "nothing"
clause = "unverified: a test"
seen = "nowhere"
basis = ["K"]
"""

FILES = {
    "broken.toml": b'extends = "zb3"\nbehaviours = [\n',
    "typo.toml": b'extends = "zb3"\ntitel = "x"\n',
    "wrong.toml": HEAD + b'extends = "zb3"\n[trust_center]\nnode_join_timeout = "soon"\n',
    "behaviour.toml": HEAD + b'[[behaviours]]\nname = "tclk.reuse_globl"\nclause = "x"\nseen = "y"\n',
    "circle.toml": HEAD + b'extends = "circle.toml"\n',
    "binary.toml": b"\xff\xfe\x00",
    "joiner.toml": b'extends = "telink"\ntitle = "x"\nimitates = "y"\n[scan]\nattempts = "often"\n',
    "nameless.toml": b'extends = "telink"\nimitates = "y"\n',
    "several.toml": b'extends = "zb4"\nbasis = [7]\n',
    "endless.key": b"0" * 2000,
    "network.key": b"00112233445566778899aabbccddeeff",
    "mine.toml": b'title = "mine"\nextends = "parent.toml"\n',
    "parent.toml": b'title = "parent"\n',
    "device.toml": b'title = "mine"\nimitates = "y"\nextends = "telink"\n',
    "empty.pcap": b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00" + bytes(12) + b"\xc3\x00\x00\x00",
    "ethernet.pcap": b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00"
    + bytes(12)
    + b"\x01\x00\x00\x00"
    + bytes(8)
    + b"\x02\x00\x00\x00" * 2
    + b"\x03\x08",
    "short.key": b"00112233\n",
    "long.key": b"00" * 17,
    "odd.key": b"zz112233445566778899aabbccddeeff",
    "binary.key": b"\xff" * 16,
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder but for the files above, and a folder."""
    for name, octets in FILES.items():
        (tmp_path / name).write_bytes(octets)
    (tmp_path / "folder").mkdir()
    (tmp_path / "soft.link").symlink_to("network.key")
    (tmp_path / "hard.link").hardlink_to(tmp_path / "network.key")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def simulate(profile: str = "zb3", joiner: str = "telink") -> tuple[str, ...]:
    return ("simulate", "--profile", profile, "--joiner", joiner)


REFUSED: dict[str, tuple[tuple[str, ...], int, tuple[str, ...]]] = {
    # What is typed, the exit code, and what the line must name.
    "unknown profile": (simulate(profile="zb4"), CONFIGURATION, ("zb4", "did you mean 'zb3'")),
    "unknown profile, live": (("--profile", "pre-zb"), CONFIGURATION, ("pre-zb", "did you mean 'pre-zb3'")),
    "nothing like a profile": (simulate(profile="qqq"), CONFIGURATION, ("qqq", "profiles list")),
    "unknown joiner": (simulate(joiner="telnik"), CONFIGURATION, ("telnik", "did you mean 'telink'")),
    "no such file": (simulate(profile="./none.toml"), CONFIGURATION, ("none.toml", "No such file")),
    "a folder": (simulate(profile="./folder"), CONFIGURATION, ("folder",)),
    "broken TOML": (simulate(profile="broken.toml"), CONFIGURATION, ("broken.toml", "not TOML")),
    "not text": (simulate(profile="binary.toml"), CONFIGURATION, ("binary.toml", "not UTF-8")),
    "unknown key": (
        simulate(profile="typo.toml"), CONFIGURATION, ("typo.toml: titel", "did you mean 'title'"),
    ),
    "wrong value": (
        simulate(profile="wrong.toml"), CONFIGURATION, ("wrong.toml: trust_center.node_join_timeout",),
    ),
    "unknown behaviour": (
        simulate(profile="behaviour.toml"),
        CONFIGURATION,
        ("behaviour.toml", "did you mean 'tclk.reuse_global'"),
    ),
    "a circle": (simulate(profile="circle.toml"), CONFIGURATION, ("circle.toml", "extends")),
    "wrong trait": (simulate(joiner="joiner.toml"), CONFIGURATION, ("joiner.toml: scan.attempts",)),
    "untitled joiner": (simulate(joiner="nameless.toml"), CONFIGURATION, ("nameless.toml: title: missing",)),
    "short key": (
        (*SIMULATE, "--network-key-file", "short.key"), USAGE, ("short.key", "32 hexadecimal", "8"),
    ),
    "long key": ((*SIMULATE, "--network-key-file", "long.key"), USAGE, ("long.key", "32 hexadecimal", "34")),
    "no hexadecimal key": ((*SIMULATE, "--network-key-file", "odd.key"), USAGE, ("odd.key", "hexadecimal")),
    "no text in the key": (
        (*SIMULATE, "--network-key-file", "binary.key"), USAGE, ("binary.key", "not ASCII"),
    ),
    "no key file": ((*SIMULATE, "--network-key-file", "none.key"), USAGE, ("none.key", "No such file")),
    "key folder": ((*SIMULATE, "--network-key-file", "folder"), USAGE, ("folder", "Is a directory")),
    "endless key": ((*SIMULATE, "--network-key-file", "endless.key"), USAGE, ("endless.key", "1024")),
    "a device for a key": ((*SIMULATE, "--network-key-file", "/dev/zero"), USAGE, ("/dev/zero", "1024")),
    "no key file's name": ((*SIMULATE, "--network-key-file", ""), USAGE, ("--network-key-file", "empty")),
    "nobody's EUI-64": (
        (*SIMULATE, "--tc-eui64", "0000000000000000"), USAGE, ("--tc-eui64", "no address"),
    ),
    "everybody's EUI-64": (
        (*SIMULATE, "--tc-eui64", "ffffffffffffffff"), USAGE, ("--tc-eui64", "no address"),
    ),
    "nobody's EUI-64, live": (
        ("--profile", "zb3", "--once", "--tc-eui64", "00" * 8), USAGE, ("--tc-eui64", "no address"),
    ),
    "nobody's code": (
        (*SIMULATE, "--install-code", f"{'00' * 8}={CODE[17:]}"), USAGE, ("--install-code", "no address"),
    ),
    "no extended PAN's number": (
        (*SIMULATE, "--extended-pan-id", "00" * 8), USAGE, ("--extended-pan-id", "no address"),
    ),
    "any extended PAN": (
        (*SIMULATE, "--extended-pan-id", "ff" * 8), USAGE, ("--extended-pan-id", "no address"),
    ),
    "nobody's device": (
        ("joiner", "--air", "udp://127.0.0.1:4949", "--joiner", "telink", "--eui64", "00" * 8),
        USAGE,
        ("--eui64", "no address"),
    ),
    "no loss": ((*SIMULATE, "--loss", "1.5"), USAGE, ("--loss",)),
    "too late": ((*SIMULATE, "--delay", "-1"), USAGE, ("--delay",)),
    "capture to stdout": ((*SIMULATE, "--capture", "-"), USAGE, ("--capture", "stdout")),
    "events to stdout": ((*SIMULATE, "--events", "-"), USAGE, ("--events", "stdout")),
    "capture to stdout, live": (("--profile", "zb3", "--capture", "-"), USAGE, ("--capture", "stdout")),
    "capture to nowhere": ((*SIMULATE, "--capture", ""), USAGE, ("--capture", "the path is empty")),
    "events to nowhere": ((*SIMULATE, "--events", ""), USAGE, ("--events", "the path is empty")),
    "page to nowhere": (("matrix", "--output", ""), USAGE, ("--output", "the path is empty")),
    **{
        f"{option} over the key by {path}": (
            (*SIMULATE, "--network-key-file", "network.key", option, path), USAGE, (option, "overwrite"),
        )
        for option in ("--capture", "--events")
        for path in ("network.key", "./network.key", "soft.link", "hard.link")
    },
    "capture over the key, live": (
        ("--profile", "zb3", "--network-key-file", "network.key", "--capture", "hard.link"),
        USAGE,
        ("--capture", "overwrite"),
    ),
    "capture over the profile": (
        (*simulate(profile="mine.toml"), "--capture", "mine.toml"), USAGE, ("--capture", "overwrite"),
    ),
    "events over the profile's parent": (
        (*simulate(profile="mine.toml"), "--events", "parent.toml"), USAGE, ("--events", "overwrite"),
    ),
    "capture over the joiner": (
        (*simulate(joiner="device.toml"), "--capture", "device.toml"), USAGE, ("--capture", "overwrite"),
    ),
    "a circle, live": (("--profile", "circle.toml"), CONFIGURATION, ("circle.toml", "extends")),
    "octets in an unknown layer": (("decode", "0308", "--layer", "foo"), USAGE, ("--layer", "foo")),
    "a layer of a file": (("decode", "empty.pcap", "--layer", "nwk"), USAGE, ("--layer", "empty.pcap")),
    "a tree of octets": (("decode", "030864ffffffff07", "--tree"), USAGE, ("--tree",)),
    "a capture that is none": (("decode", "mine.toml"), USAGE, ("mine.toml", "neither a pcap")),
    "a capture of something else": (("decode", "ethernet.pcap"), USAGE, ("ethernet.pcap", "link type 1")),
    "a device for a capture": (("decode", "/dev/zero"), USAGE, ("/dev/zero", "a device")),
    "neither octets nor a file": (("decode", "none.pcap"), USAGE, ("none.pcap", "no such file")),
    "a joiner to check": (("joiners", "check", "joiner.toml"), CONFIGURATION, ("joiner.toml: scan",)),
    "no PAN": ((*SIMULATE, "--pan-id", "pan"), USAGE, ("--pan-id", "pan")),
    "broadcast PAN": ((*SIMULATE, "--pan-id", "0xffff"), USAGE, ("--pan-id", "0xffff")),
    "large PAN": ((*SIMULATE, "--pan-id", "65536"), USAGE, ("--pan-id", "65536")),
    "short EUI-64": ((*SIMULATE, "--tc-eui64", "00:12"), USAGE, ("--tc-eui64", "00:12")),
    "no extended PAN": ((*SIMULATE, "--extended-pan-id", "home"), USAGE, ("--extended-pan-id", "home")),
    "channel": ((*SIMULATE, "--channel", "27"), USAGE, ("--channel", "26")),
    "code alone": ((*SIMULATE, "--install-code", "83FED3"), USAGE, ("--install-code", "EUI64=CODE")),
    "code's device": ((*SIMULATE, "--install-code", "12" + CODE), USAGE, ("--install-code", "EUI-64")),
    "code's CRC": ((*SIMULATE, "--install-code", CODE[:-1] + "6"), USAGE, ("--install-code", "CRC", "C3 B6")),
    "code's length": ((*SIMULATE, "--install-code", CODE[:-2]), USAGE, ("--install-code", "octets")),
    "two codes for one device": (
        (*SIMULATE, "--install-code", CODE, "--install-code", OTHER_CODE),
        USAGE,
        ("--install-code", "f4:ce:36:00:11:22:33:44"),
    ),
    "a code for the Trust Center": (
        (*SIMULATE, "--install-code", CODE, "--tc-eui64", "f4ce360011223344"),
        USAGE,
        ("--install-code", "the Trust Center itself"),
    ),
    "unknown outcome": (
        (*SIMULATE, "--expect", "joined"), USAGE, ("--expect", "'joined'", "joined-secure"),
    ),
    "no outcome": ((*SIMULATE, "--expect", ""), USAGE, ("--expect",)),
    "unknown option": ((*SIMULATE, "--chanel", "15"), USAGE, ("--chanel",)),
    "unknown verb": (("simulat",), USAGE, ("simulat",)),
    "no option's value": ((*SIMULATE, "--seed"), USAGE, ("--seed",)),
    "no number": ((*SIMULATE, "--seed", "x"), USAGE, ("--seed",)),
    "negative seed": ((*SIMULATE, "--seed", "-1"), USAGE, ("--seed",)),
    "no joiner named": (("simulate", "--profile", "zb3"), USAGE, ("--joiner",)),
    "nothing named": ((), USAGE, ("--profile", "pre-zb3")),
    "an option before the verb": (
        ("--capture", "run.pcapng", *SIMULATE), USAGE, ("--capture", "after the verb 'simulate'"),
    ),
    "a flag before the verb": (("--once", *SIMULATE), USAGE, ("--once", "after the verb 'simulate'")),
    "all, live": (("--profile", "all"), USAGE, ("--profile", "simulate")),
    "all joiners, live": (("--profile", "zb3", "--joiner", "all"), USAGE, ("--joiner", "simulate")),
    "capture of several": (
        (*simulate(joiner="all"), "--capture", "run.pcapng"), USAGE, ("--capture", "one run", "11"),
    ),
    "events of several": (
        (*SIMULATE, "--count", "2", "--events", "e.jsonl"), USAGE, ("--events", "one run", "2"),
    ),
    "unwritable capture": (
        (*SIMULATE, "--capture", "none/run.pcapng"), USAGE, ("none/run.pcapng", "No such file"),
    ),
    "capture folder": ((*SIMULATE, "--capture", "folder"), USAGE, ("folder", "Is a directory")),
    "unwritable events": (
        (*SIMULATE, "--capture", "run.pcapng", "--events", "none/e.jsonl"),
        USAGE,
        ("none/e.jsonl", "No such file"),
    ),
    "unwritable, live": (
        ("--profile", "zb3", "--once", "--capture", "run.pcapng", "--events", "none/e.jsonl"),
        USAGE,
        ("none/e.jsonl", "No such file"),
    ),
    "both in one": ((*SIMULATE, "--capture", "one", "--events", "./one"), USAGE, ("one", "capture", "event")),
    "unknown profile to show": (("profiles", "show", "zb4"), CONFIGURATION, ("zb4", "zb3")),
    "unknown joiner to show": (("joiners", "show", "emberzet"), CONFIGURATION, ("emberzet", "emberznet")),
    "unknown behaviour to show": (
        ("behaviours", "show", "tclk.reuse"), CONFIGURATION, ("tclk.reuse", "tclk.reuse_global"),
    ),
    "nothing to show": (("profiles", "show"), USAGE, ("NAME",)),
    "a profile to check": (("profiles", "check", "typo.toml"), CONFIGURATION, ("typo.toml: titel",)),
    "no page to check": (("matrix", "--check", "none.md"), USAGE, ("none.md", "No such file")),
    "no page to write": (("matrix", "--output", "folder"), USAGE, ("folder", "Is a directory")),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_gets_one_line_and_the_documented_code(
    case: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, code, named = REFUSED[case]
    before = contents(here)
    assert invoke(list(arguments)) == code
    out, err = capsys.readouterr()
    assert err.count("\n") == 1
    assert err.endswith("\n")
    for word in named:
        assert word in err
    assert "Traceback" not in err + out
    assert "Value error" not in err
    assert not out
    assert contents(here) == before


def test_every_fault_of_a_file_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*simulate(profile="several.toml")]) == CONFIGURATION
    out, err = capsys.readouterr()
    assert not out
    places = [line.split(": ")[2] for line in err.splitlines()]
    assert places == ["title", "basis[0]", "extends"]


@pytest.mark.parametrize("verb", [SIMULATE, ("--profile", "zb3")], ids=["simulate", "live"])
def test_a_trust_center_that_is_the_simulated_joiner_is_refused(
    verb: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke([*SIMULATE, "--json", "--seed", "7"]) == 0
    device = json.loads(capsys.readouterr().out)["device"]
    assert invoke([*verb, "--seed", "7", "--tc-eui64", device]) == USAGE
    out, err = capsys.readouterr()
    assert not out
    assert "--tc-eui64" in err
    assert "the simulated joiner itself (seed 7)" in err
    assert invoke([*SIMULATE, "--json", "--seed", "8", "--tc-eui64", device]) == 0


def contents(folder: Path) -> dict[str, bytes]:
    """Every file with what is in it."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def test_a_capture_of_old_survives_when_the_event_file_is_refused(here: Path) -> None:
    (here / "run.pcapng").write_bytes(b"last week's evidence")
    assert invoke([*SIMULATE, "--capture", "run.pcapng", "--events", "none/e.jsonl"]) == USAGE
    assert (here / "run.pcapng").read_bytes() == b"last week's evidence"


def test_a_capture_of_old_is_replaced_whole(here: Path) -> None:
    path = here / "run.pcapng"
    assert invoke([*SIMULATE, "--capture", "run.pcapng"]) == 0
    fresh = path.read_bytes()
    path.write_bytes(bytes(10 * len(fresh)))
    assert invoke([*SIMULATE, "--capture", "run.pcapng"]) == 0
    assert path.read_bytes() == fresh


def test_a_key_is_never_echoed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "network.key").write_text("00112233445566778899aabbccddeeffxx")
    assert invoke([*SIMULATE, "--network-key-file", "network.key"]) == USAGE
    assert "0011" not in capsys.readouterr().err


@contextlib.contextmanager
def broken(call: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("boom\nand more")

    with monkeypatch.context() as patch:
        patch.setattr(call, fail)
        yield


def test_our_own_bug_is_one_line_and_code_70_with_the_traceback_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with broken("coordinator.cli.simulate.run", monkeypatch):
        assert invoke(list(SIMULATE)) == 70
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert "internal error: RuntimeError: boom and more" in err
        monkeypatch.setenv("LEGACY_TC_TRACEBACK", "1")
        with pytest.raises(RuntimeError, match="boom"):
            invoke(list(SIMULATE))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device here")
@pytest.mark.parametrize("option", ["--capture", "--events"])
def test_a_disk_that_fills_up_makes_the_verdict_inconclusive(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke([*SIMULATE, "--json", option, "/dev/full"]) == 7
    out, err = capsys.readouterr()
    assert '"verdict": "inconclusive"' in out
    assert "No space left on device" in out
    assert not err
