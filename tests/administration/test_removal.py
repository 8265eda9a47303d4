"""A device is told to leave, or is forgotten; and may come back as if it had never been there."""

from __future__ import annotations

import pytest

from coordinator import trace
from coordinator.joiner.device import State
from coordinator.primitives import nlme
from coordinator.trust_center.device import Standing
from coordinator.trust_center.procedures.leave import Form
from coordinator.types import Eui64
from tests.administration.rack import Rack, told


@pytest.mark.parametrize(
    ("form", "row"),
    [
        (None, "NWK Leave request"),
        (Form.LEAVE, "NWK Leave request"),
        (Form.MGMT_LEAVE, "Mgmt_Leave_req"),
        (Form.REMOVE_DEVICE, "Remove-Device (02:00:00:bb:26:3a:1a:36)"),
    ],
)
def test_a_removed_device_leaves_and_that_is_no_deviation(form: Form | None, row: str) -> None:
    rack = Rack()
    joiner, _ = rack.join()
    rack.forget()
    rack.tell(lambda now: rack.center.administration.remove(joiner.host.eui64, now, how=form))
    rack.wait(2)
    assert row in told(rack.rows)
    assert [joiner.engine.state] == [State.REMOVED]
    device = rack.center.engine.devices.find(joiner.host.eui64)
    assert device is not None
    assert device.standing is Standing.LEFT
    assert rack.deviations() == []


@pytest.mark.parametrize("form", [None, Form.MGMT_LEAVE])
def test_a_device_can_be_asked_to_come_back(form: Form | None) -> None:
    rack = Rack()
    joiner, _ = rack.join("ha12")
    rack.tell(lambda now: rack.center.administration.remove(joiner.host.eui64, now, how=form, rejoin=True))
    rack.wait(2)
    left = [
        record.indication
        for record in rack.noted(trace.Indicated)
        if isinstance(record.indication, nlme.LeaveIndication)
    ]
    assert [indication.rejoin for indication in left] == [True]


def test_what_cannot_be_removed_is_refused_in_words() -> None:
    rack = Rack()
    joiner, _ = rack.join()
    device = joiner.host.eui64
    remove = rack.center.administration.remove
    with pytest.raises(ValueError, match="a Remove-Device cannot ask a device to rejoin"):
        rack.tell(lambda now: remove(device, now, how=Form.REMOVE_DEVICE, rejoin=True))
    with pytest.raises(ValueError, match=r"00:00:00:00:00:00:00:63 is not known"):
        rack.tell(lambda now: remove(Eui64(99), now))
    rack.tell(lambda now: remove(device, now))
    rack.wait(2)
    with pytest.raises(ValueError, match=f"{device} has left already"):
        rack.tell(lambda now: remove(device, now))


def test_of_a_forgotten_device_nothing_is_left() -> None:
    rack = Rack()
    joiner, _ = rack.join()
    device, address = joiner.host.eui64, joiner.host.address
    host = rack.center.host
    assert rack.tell(lambda now: rack.center.administration.forget(device, now)) is True
    assert rack.center.engine.devices.find(device) is None
    assert host.link_keys.find(device) is None
    assert host.nwk.neighbors.find_device(device) is None
    assert host.nwk.addresses.address_of(device) is None
    assert host.nwk.addresses.device_at(address) is None
    assert not any(device in key.incoming for key in host.network_keys.held())
    assert rack.tell(lambda now: rack.center.administration.forget(device, now)) is False


@pytest.mark.parametrize("moment", [0.6, 1.5, 2.25, 2.71, 2.9, 3.3])
@pytest.mark.parametrize("model", ["zboss-r22", "sleepy-zb3"])
def test_a_device_forgotten_at_any_moment_of_its_join_can_join(model: str, moment: float) -> None:
    rack = Rack()
    joiner, driver = rack.power(model)
    rack.wait(moment)
    rack.tell(lambda now: rack.center.administration.forget(joiner.host.eui64, now))
    driver.power_off()
    other, _ = rack.join(model)
    found = rack.center.engine.devices.find(other.host.eui64)
    assert found is not None
    assert found.standing is Standing.VERIFIED


def test_a_device_that_was_forgotten_joins_anew_with_its_first_key() -> None:
    rack = Rack()
    joiner, driver = rack.join()
    driver.power_off()
    rack.tell(lambda now: rack.center.administration.forget(joiner.host.eui64, now))
    same, _ = rack.join(number=0)
    assert same.host.eui64 == joiner.host.eui64
    found = rack.center.engine.devices.find(same.host.eui64)
    assert found is not None
    assert found.standing is Standing.VERIFIED
