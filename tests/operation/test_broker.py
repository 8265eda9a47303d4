"""A real mosquitto with the configurations that are deployed, asked by mosquitto's own clients."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.operation.debian import DEPLOY, program, run
from tests.pace import PATIENCE
from tests.ports import free_port

TREE = "legacy-tc/rack7-tc0"
ANSWER = "60"
"""Seconds that a client of mosquitto waits for what must come."""
NOTHING = "1"
"""Seconds that it waits for what must not."""

pytestmark = pytest.mark.real_time


@contextlib.contextmanager
def broker(folder: Path, configuration: str, port: int) -> Iterator[None]:
    """A mosquitto with it, for as long as it is asked."""
    path = folder / "mosquitto.conf"
    path.write_text(f"{configuration}\nuser root\n", encoding="utf-8")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program("mosquitto", "mosquitto"), "-c", path], stderr=log, stdout=log)
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            assert process.poll() is None, (folder / "log").read_text("utf-8")
            assert time.monotonic() < deadline
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


@dataclass(frozen=True, slots=True)
class Rack:
    """A rack's broker and the certificates of its authority."""

    folder: Path
    port: int

    def certify(self, name: str, *more: str) -> None:
        issuer = () if name == "ca" else ("-CA", self.folder / "ca.pem", "-CAkey", self.folder / "ca.key")
        run(
            program("openssl", "openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
            "-keyout", self.folder / f"{name}.key", "-out", self.folder / f"{name}.pem", *issuer, *more,
        )  # fmt: skip

    def client(self, verb: str, user: str, *arguments: str) -> list[str | Path]:
        identity = () if not user else (
            "--cert", self.folder / f"{user}.pem", "--key", self.folder / f"{user}.key",
        )  # fmt: skip
        return [
            program(f"mosquitto_{verb}", "mosquitto-clients"), "-V", "5", "-h", "127.0.0.1",
            "-p", str(self.port), "--cafile", self.folder / "ca.pem", *identity, *arguments,
        ]  # fmt: skip

    def say(self, user: str, topic: str, text: str = "said") -> str:
        """Publish, retained; return the broker's complaint."""
        done = run(*self.client("pub", user, "-q", "1", "-r", "-t", topic, "-m", text), check=False)
        return done.stderr.strip()

    def hear(self, user: str, topic: str, within: str = ANSWER) -> str:
        """What is retained there, as far as this user may see it."""
        done = run(
            *self.client("sub", user, "-t", topic, "-F", "%t %p", "-C", "1", "-W", within), check=False
        )
        return done.stdout.strip()


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    folder = tmp_path_factory.mktemp("rack")
    rack = Rack(folder, free_port())
    rack.certify("ca")
    rack.certify("server", "-addext", "subjectAltName=IP:127.0.0.1")
    for name in ("rack7-tc0", "rack7-tc1", "ci-runner", "lab-screen"):
        rack.certify(name)
    configuration = (DEPLOY / "mosquitto" / "mosquitto.conf").read_text("utf-8")
    for deployed, here in (
        ("listener 8883", f"listener {rack.port} 127.0.0.1"),
        ("/etc/mosquitto/certs/", f"{folder}/"),
        ("/etc/mosquitto/acl", str(DEPLOY / "mosquitto" / "acl")),
        ("/var/lib/mosquitto/", f"{folder}/"),
    ):
        assert deployed in configuration
        configuration = configuration.replace(deployed, here)
    with broker(folder, configuration, rack.port):
        yield rack


@pytest.mark.parametrize(
    ("user", "topic"),
    [
        ("rack7-tc0", f"{TREE}/state"),
        ("rack7-tc0", f"{TREE}/event/join"),
        ("rack7-tc0", "legacy-tc/_reply/ci-runner/1"),
        ("ci-runner", f"{TREE}/request/profile/set"),
    ],
)
def test_who_is_to_say_something_may(rack: Rack, user: str, topic: str) -> None:
    assert rack.say(user, topic) == ""


@pytest.mark.parametrize(
    ("user", "topic"),
    [
        ("ci-runner", f"{TREE}/state"),  # it would be forged
        ("ci-runner", f"{TREE}/response/profile/set"),
        ("ci-runner", "legacy-tc/rack7-tc1/request/profile/set"),
        ("ci-runner", "legacy-tc/_reply/lab-screen/1"),
        ("lab-screen", f"{TREE}/request/profile/set"),
        ("rack7-tc0", "legacy-tc/rack7-tc1/state"),
        ("rack7-tc1", f"{TREE}/state"),
        ("rack7-tc0", "homeassistant/device/legacy-tc-rack7-tc0/config"),
    ],
)
def test_who_is_not_to_say_something_is_told_so_and_nobody_hears_it(
    rack: Rack, user: str, topic: str
) -> None:
    assert "Not authorized" in rack.say(user, topic, "forged")


def test_a_request_reaches_its_trust_center_and_the_answer_only_who_asked(rack: Rack) -> None:
    rack.say("ci-runner", f"{TREE}/request/health", "asked")
    rack.say("rack7-tc0", "legacy-tc/_reply/ci-runner/7", "answered")
    assert rack.hear("rack7-tc0", f"{TREE}/request/health") == f"{TREE}/request/health asked"
    answer = "legacy-tc/_reply/ci-runner/7 answered"
    assert rack.hear("ci-runner", "legacy-tc/_reply/ci-runner/7") == answer
    assert rack.hear("lab-screen", "legacy-tc/_reply/ci-runner/7", NOTHING) == ""


def test_a_stranger_without_a_certificate_is_not_let_in(rack: Rack) -> None:
    assert rack.say("", f"{TREE}/state") != ""


def test_a_certificate_of_somebody_elses_authority_is_not_let_in(rack: Rack, tmp_path: Path) -> None:
    other = Rack(tmp_path, rack.port)
    other.certify("ca")
    other.certify("ci-runner")
    (tmp_path / "ca.pem").write_bytes((rack.folder / "ca.pem").read_bytes())
    assert other.say("ci-runner", f"{TREE}/request/health") != ""


def test_the_broker_of_compose_lets_a_client_of_the_private_network_in(tmp_path: Path) -> None:
    port = free_port()
    configuration = (DEPLOY / "compose" / "mosquitto.conf").read_text("utf-8")
    assert "listener 1883\n" in configuration
    configuration = configuration.replace("listener 1883\n", f"listener {port} 127.0.0.1\n")
    with broker(tmp_path, configuration, port):
        heard = run(
            program("mosquitto_sub", "mosquitto-clients"), "-h", "127.0.0.1", "-p", str(port),
            "-t", "$SYS/broker/version", "-C", "1", "-W", ANSWER,
        )  # fmt: skip
    assert heard.stdout.startswith("mosquitto version ")
