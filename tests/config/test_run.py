"""A run of what a file says, on an event loop whose time jumps; options win over it."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import stat
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, cast

import pytest

from coordinator import daemon
from coordinator.cli import invoke
from coordinator.cli.app import main_callback
from coordinator.cli.configured import KEYS
from coordinator.config.keys import entries
from coordinator.runtime.virtual_time import VirtualTimeLoop

USAGE, CONFIGURATION = 2, 3
Line = dict[str, object]
Result = TypeVar("Result")

FILE = """
[trust_center]
profile = "pre-zb3"
[simulation]
seed = 1
[run]
once = true
expect = ["left-by-joiner"]
"""


def in_virtual_time(coroutine: Coroutine[object, object, Result]) -> Result:
    """What `asyncio.run` does, without the waiting."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(coroutine)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration, and an environment that says nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("coordinator.cli.run.asyncio.run", in_virtual_time)
    for name in list(os.environ):
        if name.startswith("LEGACY_TC_"):
            monkeypatch.delenv(name)
    Path("bench.toml").write_text(FILE)
    return tmp_path


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Line]:
    """The exit code and the last line of a run with --json."""
    code = invoke([*arguments, "--json"])
    out, err = capsys.readouterr()
    assert not err
    return code, cast(Line, json.loads(out.splitlines()[-1]))


@dataclass(slots=True)
class Served:
    """What the daemon was asked for, without running it."""

    orders: list[daemon.Order] = field(default_factory=list)
    controls: list[daemon.Control | None] = field(default_factory=list)

    async def serve(
        self,
        order: daemon.Order,
        reporter: daemon.Reporter,
        control: daemon.Control | None,
        _say: Callable[[str], None],
    ) -> daemon.Ending:
        self.orders.append(order)
        self.controls.append(control)
        return daemon.Ending(signal=15)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Served:
    found = Served()
    monkeypatch.setattr("coordinator.cli.run.daemon.serve", found.serve)
    return found


def test_a_file_alone_runs(capsys: pytest.CaptureFixture[str]) -> None:
    code, verdict = ran(capsys, "--config", "bench.toml")
    assert code == 0
    assert (verdict["profile"], verdict["outcome"]) == ("pre-zb3", "left-by-joiner")


def test_the_variable_that_names_the_file_does_as_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEGACY_TC_CONFIG", "bench.toml")
    assert ran(capsys)[0] == 0


def test_the_environment_runs_without_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEGACY_TC__TRUST_CENTER__PROFILE", "zb3")
    monkeypatch.setenv("LEGACY_TC__RUN__ONCE", "true")
    code, verdict = ran(capsys, "--seed", "1")
    assert (code, verdict["profile"]) == (0, "zb3")


def test_an_option_wins_over_file_and_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEGACY_TC__TRUST_CENTER__PROFILE", "classic-r20")
    code, verdict = ran(capsys, "--config", "bench.toml", "--profile", "zb3", "--expect", "joined-secure")
    assert (code, verdict["profile"], verdict["outcome"]) == (0, "zb3", "joined-secure")


def test_an_option_wins_though_it_says_what_is_the_default(here: Path, served: Served) -> None:
    Path("bench.toml").write_text(f"{FILE}observe_seconds = 5\n")
    invoke(["--config", "bench.toml"])
    invoke(["--config", "bench.toml", "--observe", "40"])
    assert [order.observe for order in served.orders] == [5_000_000, 40_000_000]


def test_without_a_broker_or_http_nobody_steers_it(served: Served) -> None:
    assert invoke(["--config", "bench.toml"]) == 143
    assert served.controls == [None]


STEERED = """
[mqtt]
url = "mqtt://broker.example:1884"
id = "rack7-tc0"
username = "bench"
password_file = "secret"
allow_plaintext = true
outbox = 7
keepalive_seconds = 3
frames = true
[http]
listen = "[::1]:0"
token_file = "secret"
[control]
expose_keys = true
requests_in_flight = 9
[evidence]
folder = "captures"
max_bytes = 200000
[log]
level = "debug"
format = "json"
"""


def test_what_the_file_says_of_steering_reaches_the_daemon(here: Path, served: Served) -> None:
    Path("secret").write_text("hunter2\n")
    Path("bench.toml").write_text(FILE + STEERED)
    invoke(["--config", "bench.toml"])
    (control,) = served.controls
    assert control is not None
    assert control.mqtt is not None
    assert control.http is not None
    link, http, options = control.mqtt, control.http, control.options
    assert (link.host, link.port, link.id, link.tls) == ("broker.example", 1884, "rack7-tc0", False)
    assert (link.username, link.password, link.outbox, link.keepalive) == ("bench", "hunter2", 7, 3)
    assert (http.address.host, http.address.port, http.token) == ("::1", 0, "hunter2")
    assert (options.id, options.folder, options.max_bytes) == ("rack7-tc0", Path("captures"), 200_000)
    assert (options.expose_keys, options.frames, control.in_flight) == (True, True, 9)
    assert (control.log.level, control.log.form) == ("debug", "json")
    assert "hunter2" not in repr(control)


def test_the_folder_for_captures_is_made_and_is_for_nobody_else(here: Path, served: Served) -> None:
    Path("bench.toml").write_text(f'{FILE}[evidence]\nfolder = "var/captures"\n')
    invoke(["--config", "bench.toml"])
    assert not Path("var").exists(), "nobody can begin a capture"
    invoke(["--config", "bench.toml", "--http", "127.0.0.1:0"])
    assert stat.S_IMODE(Path("var/captures").stat().st_mode) == 0o700
    invoke(["--config", "bench.toml", "--http", "127.0.0.1:0"])
    assert len(served.orders) == 3


def test_a_folder_for_captures_that_cannot_be_made_is_told_before_anything_begins(
    here: Path, served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--config", "bench.toml", "--http", "127.0.0.1:0"]
    for folder, reason in (
        ("bench.toml", "is no folder"),
        ("bench.toml/x", "cannot be made: Not a directory"),
    ):
        Path("bench.toml").write_text(f'{FILE}[evidence]\nfolder = "{folder}"\n')
        assert invoke(arguments) == CONFIGURATION
        assert capsys.readouterr().err == f"legacy-tc: bench.toml: evidence.folder: {folder}: {reason}\n"
    assert not served.orders


def test_options_of_steering_win_over_the_file(here: Path, served: Served) -> None:
    Path("secret").write_text("hunter2\n")
    Path("bench.toml").write_text(FILE + STEERED)
    invoke(["--config", "bench.toml", "--mqtt", "mqtt://[::1]", "--tc-id", "b", "--http", "127.0.0.1:1"])
    (control,) = served.controls
    assert control is not None
    assert control.mqtt is not None
    assert control.http is not None
    assert (control.mqtt.host, control.mqtt.port, control.mqtt.id) == ("::1", 1883, "b")
    assert (control.http.address.host, control.http.address.port) == ("127.0.0.1", 1)


def test_where_somebody_steers_nothing_begins_by_itself_unless_it_is_asked_for(
    here: Path, served: Served
) -> None:
    invoke(["--config", "bench.toml"])
    invoke(["--config", "bench.toml", "--http", "127.0.0.1:0"])
    invoke(["--config", "bench.toml", "--http", "127.0.0.1:0", "--joiner", "telink", "--permit-join", "9"])
    begun = [(order.joiner and order.joiner.name, order.setting.permit) for order in served.orders]
    assert begun == [("zboss-r22", 180_000_000), (None, 0), ("telink", 9_000_000)]


def test_what_is_of_a_real_radio_waits_until_there_is_one(here: Path, served: Served) -> None:
    real = '[radio]\nurl = "spinel:/dev/ttyACM0"\ntx_power = 8\n[joining]\nallow = ["00124b0001020304"]\n'
    Path("bench.toml").write_text(FILE + real)
    invoke(["--config", "bench.toml"])
    invoke(["--config", "bench.toml", "--radio", "sim:"])
    on_it, simulated = served.orders
    assert (on_it.tx_power, on_it.setting.allowed) == (8, frozenset({0x00124B0001020304}))
    assert (on_it.seed, on_it.joiner, on_it.setting.permit) == (None, None, 0)
    assert (simulated.tx_power, simulated.setting.allowed) == (None, None)
    assert (simulated.seed, simulated.setting.permit) == (1, 180_000_000)
    assert simulated.joiner is not None


def test_an_allow_list_on_the_command_line_ends_the_file_s_any_joiner(here: Path, served: Served) -> None:
    Path("bench.toml").write_text(
        f'{FILE}[radio]\nurl = "spinel:/dev/ttyACM0"\n[joining]\nany_joiner = true\npermit_seconds = 60\n'
    )
    invoke(["--config", "bench.toml"])
    invoke(["--config", "bench.toml", "--allow", "00124b0001020304"])
    assert [order.setting.allowed for order in served.orders] == [None, {0x00124B0001020304}]


@pytest.mark.parametrize(
    ("more", "arguments", "code", "line"),
    [
        ("", ("--seed", "1", "--radio", "spinel:/dev/x"), USAGE, "--seed"),
        ("", ("--allow", "00124b0001020304"), USAGE, "is for a real radio"),
        ("", ("--tc-id", "Rack"), USAGE, "'--tc-id'"),
        ("", ("--mqtt", "mqtt://broker.example"), USAGE, "--mqtt: broker.example is another host"),
        ("", ("--http", "0.0.0.0:80"), USAGE, "--http: others than this host"),
        ("[mqtt]\nurl = 'mqtt://b.example'\n", (), CONFIGURATION, "bench.toml: mqtt.url: b.example is"),
        ("[http]\nlisten = '0.0.0.0:80'\n", (), CONFIGURATION, "bench.toml: http.listen: others than"),
        ("[mqtt]\npassword_file = 'x'\nusername = 'y'\n", (), CONFIGURATION, "mqtt.password_file: x: No"),
        ("[network]\ntrust_center = '0000000000000000'\n", (), CONFIGURATION, "network.trust_center: 00:00"),
        ("[evidence]\ncapture = 'bench.toml'\n", (), CONFIGURATION, "evidence.capture: bench.toml: this"),
        ("", ("--capture", "bench.toml"), USAGE, "--capture: bench.toml: this would overwrite bench.toml"),
    ],
)  # fmt: skip
def test_each_place_is_blamed_for_its_own(
    more: str, arguments: tuple[str, ...], code: int, line: str, served: Served,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    Path("bench.toml").write_text(FILE + more)
    assert invoke(["--config", "bench.toml", *arguments]) == code
    (told,) = capsys.readouterr().err.splitlines()
    assert line in told
    assert not served.orders


def test_a_file_without_a_profile_needs_one_as_an_option(
    here: Path, served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("bench.toml").write_text("[run]\nonce = true\n")
    assert invoke(["--config", "bench.toml"]) == USAGE
    assert "name a Trust Center, for example --profile pre-zb3" in capsys.readouterr().err
    assert invoke(["--config", "bench.toml", "--profile", "zb3"]) == 143


def test_the_variable_does_not_disturb_other_verbs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEGACY_TC_CONFIG", "none.toml")
    monkeypatch.setenv("LEGACY_TC__NO__SUCH", "1")
    assert invoke(["version"]) == 0
    assert invoke(["profiles", "show", "zb3"]) == 0
    assert not capsys.readouterr().err


def test_help_tells_the_defaults_that_the_configuration_has() -> None:
    defaults = {entry.key: entry.default for entry in entries()}
    parameters = inspect.signature(main_callback).parameters
    assert parameters["observe"].default == defaults[KEYS["observe"]] == 40
    for name, key in KEYS.items():
        expected = defaults[key] or None
        if name == "expect":
            expected = ",".join(cast(list[str], expected))
        assert (parameters[name].default or None) == expected, name
