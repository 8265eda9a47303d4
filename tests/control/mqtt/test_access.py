"""Who may, who may not, and what is read about it: TLS, certificates, passwords, access lists."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from coordinator.control.mqtt.link import LinkError, at
from tests.control.mqtt.authority import Authority
from tests.control.mqtt.bench import BASE, QUICK, bench, listener, run, until
from tests.control.mqtt.broker import Broker, broker
from tests.operation.debian import program
from tests.operation.debian import run as run_program

pytestmark = pytest.mark.real_time


def why_not(made: Broker, url: str, **link: Any) -> str:
    """What is told of a broker that cannot be used, once."""
    told: list[str] = []

    async def scenario() -> None:
        async with bench(url, connected=False, **link) as served:
            await served.lost()
            await asyncio.sleep(0.4)  # attempts go on
            told.extend(why for _, why in served.told)

    run(scenario())
    (why,) = told
    assert why.startswith(f"{url}: ")
    return why.removeprefix(f"{url}: ")


def attempts_since(began: float, every: float) -> float:
    """How often it may have been tried again, at most."""
    return (time.monotonic() - began) / (every / 2)


def secured(made: Broker) -> str:
    return f"mqtts://127.0.0.1:{made.port}"


@pytest.mark.parametrize(
    ("certificate", "ca", "says"),
    [
        ("expired", "ca.pem", "the broker's certificate is not believed: certificate has expired"),
        (
            "named",
            "ca.pem",
            "the broker's certificate is not believed: IP address mismatch, certificate is not valid for "
            "'127.0.0.1'",
        ),
        (
            "good",
            "other.pem",
            "the broker's certificate is not believed: self-signed certificate in",
        ),
        (
            "good",
            None,
            "the broker's certificate is not believed: self-signed certificate in",
        ),
    ],
    ids=["expired", "wrong-name", "wrong-ca", "no-ca"],
)
def test_a_broker_that_cannot_prove_who_it_is_is_told_in_words(
    tmp_path: Path, authority: Authority, certificate: str, ca: str | None, says: str
) -> None:
    with broker(tmp_path, authority.config(certificate)) as made:
        why = why_not(made, secured(made), ca_file=None if ca is None else authority.file(ca))
        assert why.startswith(says)
        if "chain" in says:
            assert "ca_file" in why


def test_with_its_ca_and_a_certificate_of_ours_a_broker_is_used(tmp_path: Path, authority: Authority) -> None:
    async def scenario(made: Broker) -> None:
        async with bench(secured(made), **authority.link("bench")) as served:
            assert served.told == [(True, secured(made))]
            for _ in range(500):
                served.plane.feed.publish("left", {"why": "x" * 100})
            await until(lambda: served.transport.waiting == 0)

    required = "require_certificate true\nuse_identity_as_username true"
    with broker(tmp_path, authority.config("good", required)) as made:
        run(scenario(made))


def test_a_broker_that_wants_a_certificate_says_so(tmp_path: Path, authority: Authority) -> None:
    with broker(tmp_path, authority.config("good", "require_certificate true")) as made:
        why = why_not(made, secured(made), ca_file=authority.file("ca.pem"))
        assert "certificate" in why
        assert "certificate_file" in why


def test_mqtt_in_plain_text_to_a_port_that_wants_tls_is_told(tmp_path: Path, authority: Authority) -> None:
    with broker(tmp_path, authority.config("good")) as made:
        why = why_not(made, made.url)
        assert "mqtts://" in why


def test_tls_to_a_port_that_speaks_plain_text_is_told(shared: Broker, authority: Authority) -> None:
    why = why_not(shared, secured(shared), ca_file=authority.file("ca.pem"))
    assert why.startswith("TLS failed: ")
    assert why.endswith("; without TLS it is mqtt://")


def test_what_is_no_broker_at_all_is_told() -> None:
    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async def scenario() -> None:
        server = await asyncio.start_server(answers, "127.0.0.1", 0)
        url = f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with bench(url, connected=False) as served:
            assert (await served.lost()).endswith("does it want TLS (mqtts://), or is it no MQTT broker?")
        server.close()

    run(scenario())


def test_files_that_are_no_certificates_are_named(tmp_path: Path, authority: Authority) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")
    for ca, certificate, says in (
        (tmp_path / "absent.pem", None, "absent.pem: not a file of CA certificates: No such file"),
        (nonsense, None, "nonsense.pem: not a file of CA certificates"),
        (authority.file("ca.pem"), nonsense, "nonsense.pem: not a certificate with its key"),
        (authority.file("ca.pem"), authority.file("good.pem"), "good.pem: not a certificate with its key"),
    ):
        with pytest.raises(LinkError) as error:
            at("mqtts://h", id="tc0", ca_file=ca, certificate_file=certificate).context()
        assert says in str(error.value)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(("username", "password"), [("bench", "wrong"), ("nobody", "right"), (None, None)])
def test_a_wrong_user_or_password_is_told_once_and_not_tried_in_a_loop(
    guarded: Broker, username: str | None, password: str | None
) -> None:
    began = time.monotonic()
    why = why_not(guarded, guarded.url, username=username, password=password)
    assert "not authorized" in why
    assert "username" in why
    assert guarded.log.count("New connection") <= 3 + attempts_since(began, QUICK.hopeless)


def test_what_the_access_list_forbids_to_publish_is_told_once_and_the_rest_goes_on(guarded: Broker) -> None:
    async def scenario() -> None:
        credentials: dict[str, Any] = {"username": "narrow", "password": "right"}
        async with bench(guarded, **credentials) as served:
            for _ in range(50):
                served.plane.feed.publish("left", {})
            await until(lambda: served.transport.waiting == 0 and len(served.told) == 2)
            said = "the broker refuses what is published: not authorized"
            assert served.told[1][0]
            assert served.told[1][1].startswith(said)
            for _ in range(50):
                served.plane.feed.publish("left", {})
            await asyncio.sleep(0.2)
            assert len(served.told) == 2
            assert served.transport.connections == 1

    run(scenario())


def test_with_the_access_list_of_the_rack_a_runner_is_answered(guarded: Broker) -> None:
    async def scenario() -> None:
        credentials: dict[str, Any] = {"username": "bench", "password": "right"}
        runner: dict[str, Any] = {"username": "runner", "password": "right"}
        async with (
            bench(guarded, **credentials) as served,
            listener(guarded, f"{BASE}/#", **runner) as heard,
        ):
            served.plane.feed.publish("left", {})
            await heard.until(f"{BASE}/event/left")
            said = await guarded.client(
                *("rr", "-q", "1", "-u", "runner", "-P", "right", "-t", f"{BASE}/request/profile/get"),
                *("-e", "legacy-tc/_reply/runner/1", "-m", "{}", "-W", "60"),
            )
            assert json.loads(said)["status"] == "ok"
            assert len(served.told) == 1

    run(scenario())


def test_a_subscription_that_is_refused_is_told_once_and_not_tried_in_a_loop(tmp_path: Path) -> None:
    """mosquitto's plugin for this, for its access list file lets everybody subscribe to everything."""
    rules = tmp_path / "rules.json"
    run_program(program("mosquitto_ctrl", "mosquitto"), "dynsec", "init", rules, "admin", "right")
    allowed = json.loads(rules.read_text("utf-8"))
    for role in allowed["roles"]:
        role["acls"] = [each for each in role["acls"] if each["topic"] != "#"]
    rules.write_text(json.dumps(allowed), encoding="utf-8")
    plugin = next(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"))
    config = f"allow_anonymous false\nplugin {plugin}\nplugin_opt_config_file {rules}"
    with broker(tmp_path, config) as made:
        began = time.monotonic()
        why = why_not(made, made.url, username="admin", password="right")
        assert why == "the broker refuses the subscription to legacy-tc/tc0/request/#: not authorized"
        assert made.log.count("New client connected") <= 4 + attempts_since(began, QUICK.longest)
