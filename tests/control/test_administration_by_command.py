"""Frame faults, injection, devices and the network key, by command."""

from __future__ import annotations

from coordinator.trace import RadioState
from tests.control.rig import Client, bench


def test_a_fault_drops_the_transport_key_it_was_armed_for_and_is_spent() -> None:
    async def body(client: Client) -> None:
        armed = await client.done(
            "fault/arm", fault="lost", match={"frame": "transport-key-tclk"}, action="drop", count=1
        )
        assert armed["generation"] == 2
        assert client.document("state")["faults"] == 1
        listed = (await client.done("fault/list"))["faults"]
        assert listed == [
            {
                "fault": "lost",
                "frame": "transport-key-tclk",
                "device": None,
                "action": "drop",
                "used": 0,
                "left": 1,
            }
        ]
        await client.done("joiner/power", joiner="zboss-r22")
        await client.until("verdict")
        assert (await client.done("fault/list"))["faults"] == []

    client, _ = bench(body, observe=20)
    assert [event["fault"] for event in client.of("fault-spent")] == ["lost"]
    assert any(event["behaviour"] == "fault.lost" for event in client.of("deviation"))


def test_a_fault_that_cannot_be_meant_is_refused_and_one_that_is_not_there_not_found() -> None:
    async def body(client: Client) -> None:
        error = await client.refused("fault/arm", fault="x", match={"frame": "transprt-key"}, action="drop")
        assert error["code"] == "invalid"
        assert (await client.refused("fault/disarm", fault="x"))["code"] == "not-found"
        assert (await client.refused("fault/arm", fault="x", action="explode"))["code"] == "invalid"
        assert client.document("state")["generation"] == 1
        await client.done("fault/arm", fault="x", action="repeat", times=2, count=None)
        await client.done("fault/disarm")
        assert client.document("state")["faults"] == 0

    bench(body)


def test_what_is_injected_is_labelled() -> None:
    async def body(client: Client) -> None:
        await client.done("joiner/power", joiner="zboss-r22")
        event = await client.until("standing", after="verified")
        await client.done("inject", command="leave", device=event["device"])
        await client.until("verdict")
        await client.done("inject", psdu="030864ffffffff07")
        assert (await client.refused("inject", command="leav", device=event["device"]))["code"] == "refused"
        assert (await client.refused("inject"))["code"] == "invalid"

    client, _ = bench(body)
    assert [event["behaviour"] for event in client.of("deviation")] == ["inject", "inject"]


def test_what_needs_a_radio_is_refused_while_there_is_none_and_what_does_not_is_done() -> None:
    async def body(client: Client) -> None:
        session = client.service.bench.up()
        session.radio_changed(RadioState.LOST, "unplugged", True)
        for verb, request in (
            ("inject", {"psdu": "030864ffffffff07"}),
            ("key/rotate", {}),
            ("device/remove", {"device": "02:00:00:00:00:00:00:01"}),
        ):
            assert (await client.refused(verb, **request))["code"] == "radio-lost"
        await client.done("profile/set", profile="pre-zb3")
        assert client.document("state")["radio"] == "lost"
        assert (await client.done("health"))["ok"] is False

    bench(body)


def test_a_device_is_removed_and_forgotten() -> None:
    async def body(client: Client) -> None:
        await client.done("joiner/power", joiner="zboss-r22")
        event = await client.until("standing", after="verified")
        listed = (await client.done("device/list"))["devices"]
        assert isinstance(listed, list)
        assert [(device["standing"], device["link_key"]) for device in listed] == [("verified", "unique")]
        await client.done("device/remove", device=event["device"])
        await client.until("left", by="trust-center")
        await client.until("verdict")
        await client.done("device/forget", device=event["device"])
        assert (await client.done("device/list"))["devices"] == []
        assert (await client.refused("device/forget", device=event["device"]))["code"] == "not-found"
        assert (await client.refused("device/remove", device=event["device"]))["code"] == "refused"

    bench(body)


def test_the_network_key_is_rotated_and_the_answer_comes_when_it_is_in_use() -> None:
    async def body(client: Client) -> None:
        await client.done("joiner/power", joiner="zboss-r22")
        await client.until("standing", after="verified")
        before = await client.done("network/get")
        rotated = await client.done("key/rotate")
        after = await client.done("network/get")
        assert after["key_sequence"] == before["key_sequence"] + 1  # type: ignore[operator]
        assert after["key"] != before["key"]
        assert client.document("state")["key_sequence"] == after["key_sequence"]
        assert client.document("state")["generation"] == rotated["generation"]
        await client.until("verdict", outcome="joined-secure")

    bench(body, observe=20, expose_keys=True)
