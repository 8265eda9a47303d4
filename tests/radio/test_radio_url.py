"""A radio's name: every form that OpenThread's users know, and what is said of the rest."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coordinator.radio.errors import BadRadioUrl
from coordinator.radio.url import ForkPty, RadioUrl, Simulated, Tcp, Uart, parse

BY_ID = "/dev/serial/by-id/usb-Nordic_Semiconductor_nRF528xx_OpenThread_Device_E5E2A2-if00"


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("spinel:/dev/ttyACM0", Uart(path="/dev/ttyACM0")),
        ("spinel:///dev/ttyACM0", Uart(path="/dev/ttyACM0")),
        ("SPINEL:/dev/ttyACM0", Uart(path="/dev/ttyACM0")),
        (f"spinel:{BY_ID}", Uart(path=BY_ID)),
        ("spinel:/dev/ttyACM0?uart-baudrate=115200", Uart(path="/dev/ttyACM0", baudrate=115200)),
        (
            f"spinel+hdlc+uart://{BY_ID}?uart-baudrate=1000000&uart-flow-control",
            Uart(path=BY_ID, baudrate=1_000_000, flow_control=True),
        ),
        ("spinel+hdlc+uart:///dev/a?uart-flow-control", Uart(path="/dev/a", flow_control=True)),
        ("spinel:/dev/a%20b", Uart(path="/dev/a b")),
        ("spinel:/tmp/a#b", Uart(path="/tmp/a#b")),
        ("spinel+hdlc+forkpty:///usr/bin/ot-rcp", ForkPty(path="/usr/bin/ot-rcp")),
        (
            "spinel+hdlc+forkpty:///usr/bin/ot-rcp?forkpty-arg=1&forkpty-arg=--air=a+b%26c",
            ForkPty(path="/usr/bin/ot-rcp", arguments=("1", "--air=a+b&c")),
        ),
        ("spinel+tcp://192.0.2.7:9999", Tcp(host="192.0.2.7", port=9999)),
        ("spinel+tcp://lab.example:1/", Tcp(host="lab.example", port=1)),
        ("spinel+tcp://[::1]:9999", Tcp(host="::1", port=9999)),
        ("sim:", Simulated()),
        ("sim+udp://127.0.0.1:4949", Simulated(air="udp://127.0.0.1:4949")),
        ("sim+udp://localhost:4949", Simulated(air="udp://127.0.0.1:4949")),
    ],
)
def test_a_form_means(text: str, means: RadioUrl) -> None:
    assert parse(text) == means


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names no radio"),
        ("/dev/ttyACM0", "write it like spinel:/dev/ttyACM0"),
        ("ezsp:/dev/ttyACM0", "no such radio: ezsp:"),
        (":/dev/ttyACM0", "no such radio: :"),
        ("spinel:", "the path must be absolute"),
        ("spinel:ttyACM0", "the path must be absolute"),
        ("spinel://dev/ttyACM0", "the path must be absolute"),
        ("spinel:/", "the path is missing"),
        ("spinel:/dev/a?baud=1", "unknown setting 'baud'"),
        ("spinel:/dev/a?uart-baudrate", "a number up to 4000000, not ''"),
        ("spinel:/dev/a?uart-baudrate=0", "a number up to 4000000, not '0'"),
        ("spinel:/dev/a?uart-baudrate=4000001", "a number up to 4000000"),
        ("spinel:/dev/a?uart-baudrate=" + 5000 * "1", "a number up to 4000000"),
        ("spinel:/dev/a?uart-baudrate=²", "a number up to 4000000"),
        ("spinel:/dev/a?uart-flow-control=no", "takes no value"),
        ("spinel+hdlc+forkpty:///a?arg=1", "unknown setting 'arg'"),
        ("spinel+hdlc+forkpty:rcp", "must be absolute"),
        ("spinel:/dev/a%00b", "cannot be printed"),
        ("spinel:/dev/a\nb", "names no radio"),
        ("spinel:/dev/\udc80", "names no radio"),
        ("spinel+tcp://host", "write it like spinel+tcp://192.0.2.7:9999"),
        ("spinel+tcp://:1", "write it like"),
        ("spinel+tcp://host:0", "write it like"),
        ("spinel+tcp://host:65536", "Port out of range"),
        ("spinel+tcp://host:x", "Port could not be cast"),
        ("spinel+tcp://host:1/x", "write it like"),
        ("spinel+tcp://host:1?uart-baudrate=1", "write it like"),
        ("spinel+tcp://me@host:1", "write it like"),
        ("spinel+tcp://[::1:9", "Invalid IPv6 URL"),
        ("sim:air", "a shared air is sim+udp://127.0.0.1:PORT"),
        ("sim+udp://127.0.0.1", "names no port"),
        ("sim+udp://10.0.0.1:1", "not a loopback address"),
        ("sim+udp:", "for a radio put sim+ before it"),
    ],
)
def test_what_names_no_radio_is_refused_with_what_would(text: str, says: str) -> None:
    with pytest.raises(BadRadioUrl) as caught:
        parse(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


SCHEMES = ("spinel", "spinel+hdlc+uart", "spinel+hdlc+forkpty", "spinel+tcp", "sim", "sim+udp", "x")
PIECES = st.sampled_from(("//", "/", "[", "]", "@", ":", "?", "&", "=", "%", "%00", "uart-baudrate", "1"))


@given(
    scheme=st.sampled_from(SCHEMES),
    rest=st.lists(PIECES | st.text(max_size=4), max_size=10).map("".join),
)
@example(scheme="spinel+tcp", rest="//[v1.a]:1")
def test_nothing_but_a_bad_url_is_ever_raised(scheme: str, rest: str) -> None:
    try:
        found = parse(f"{scheme}:{rest}")
    except BadRadioUrl as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert str(found)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(BadRadioUrl):
        parse(text)
