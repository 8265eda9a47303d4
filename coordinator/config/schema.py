"""Every section and key there is, declared once: type, limits, default, and what it means.

A key without a default is absent until somebody gives it; its description says what happens then.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic_core import PydanticCustomError, PydanticKnownError

from coordinator.config import broker_url, values
from coordinator.evidence.outcome import JOINED, Outcome
from coordinator.profiles.document import SAID, Table
from coordinator.radio import url as radio_url
from coordinator.types import hex16

MAX_OUTBOX = 1_000_000
MAX_IN_FLIGHT = 100_000
SMALLEST_LIMIT = 100_000
LARGEST_SEED = 2**63 - 1
EUI64_PATTERN = r"^\s*(0[xX])?([0-9a-fA-F][:-]?){16}\s*$"
DEFAULT_TC_ID = "tc0"
DEFAULT_EXPECT = [outcome.value for outcome in Outcome if outcome in JOINED]


def key(
    default: object,
    description: str,
    *,
    example: object = None,
    unit: str | None = None,
    within: values.Range | None = None,
    **schema: object,
) -> Any:
    """A key. `example` is for one without a default; `schema` goes into the JSON Schema as it is."""
    return pydantic.Field(
        default,
        description=description if unit is None else f"{description} Unit: {unit}.",
        examples=None if example is None else [example],
        ge=None if within is None else within.low,
        le=None if within is None else within.high,
        json_schema_extra={**({} if unit is None else {"unit": unit}), **schema},  # type: ignore[dict-item]
    )


def _said(check: Callable[[Any], object], value: object) -> object:
    try:
        return check(value)
    except ValueError as error:
        raise PydanticCustomError(SAID, "{text}", {"text": str(error)}) from None


def meaning(check: Callable[[Any], object]) -> pydantic.AfterValidator:
    """The value means something to `check`, and stays as it is written."""

    def checked(value: object) -> object:
        _said(check, value)
        return value

    return pydantic.AfterValidator(checked)


def _path_by(parse: Callable[[str], Path]) -> pydantic.BeforeValidator:
    def parsed(value: object) -> object:
        if isinstance(value, Path):
            return value
        if not isinstance(value, str):
            raise PydanticKnownError("string_type")
        return _said(parse, value)

    return pydantic.BeforeValidator(parsed)


def _pan_id_text(value: object) -> object:
    return hex16(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _one_code(pair: str) -> None:
    if "=" not in pair:
        raise ValueError("expected EUI64=CODE")  # not echoed: it may be a code
    values.install_codes([pair])


def _name(text: str) -> None:
    values.path(text)


PathText = Annotated[Path, _path_by(values.path)]
OutputText = Annotated[Path, _path_by(values.output)]
NameText = Annotated[str, meaning(_name)]
Eui64Text = Annotated[
    str, meaning(values.eui64), pydantic.Field(json_schema_extra={"pattern": EUI64_PATTERN})
]
CodeText = Annotated[str, meaning(_one_code), pydantic.Field(json_schema_extra={"pattern": "="})]
OutcomeText = Annotated[
    str,
    meaning(lambda word: values.outcomes([word])),
    pydantic.Field(json_schema_extra={"enum": [outcome.value for outcome in Outcome]}),
]
PanIdText = Annotated[
    str,
    pydantic.BeforeValidator(_pan_id_text),
    meaning(values.pan_id),
    pydantic.WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": "^(0[xX][0-9a-fA-F]+|[0-9]+)$"},
                {"type": "integer", "minimum": 0, "maximum": 0xFFFE},
            ]
        }
    ),
]
RadioText = Annotated[str, meaning(radio_url.parse)]
BrokerText = Annotated[str, meaning(broker_url.parse)]
ListenText = Annotated[str, meaning(values.listen)]
TcIdText = Annotated[str, meaning(values.tc_id)]
TopicText = Annotated[str, meaning(values.topic_prefix)]


class TrustCenter(Table):
    """Which Trust Center to be."""

    profile: NameText | None = key(
        None,
        "Which Trust Center: a shipped name (`legacy-tc profiles list`) or a .toml file. A run needs one.",
        example="zb3",
    )


class Radio(Table):
    """The radio."""

    url: RadioText = key(
        "sim:",
        "Which radio: sim:, spinel:/dev/ttyACM0, spinel+tcp://host:port, spinel+hdlc+uart://..., "
        "spinel+hdlc+forkpty://..., sim+udp://127.0.0.1:PORT.",
    )
    tx_power: int | None = key(
        None,
        "Transmit power of a real radio. Absent: what the radio has.",
        example=8,
        unit="dBm",
        within=values.TX_POWER,
    )


class Network(Table):
    """The network to form. What is absent is drawn at random, or is what the state folder has."""

    channel: int | None = key(
        None,
        "2.4 GHz channel. Absent: 15, or what the state folder has.",
        example=15,
        within=values.CHANNELS,
    )
    pan_id: PanIdText | None = key(
        None, 'PAN identifier, 0x0000 to 0xfffe; a text like "0x1a62" or an integer.', example="0x1a62"
    )
    extended_pan_id: Eui64Text | None = key(
        None, "Extended PAN identifier, 16 hexadecimal digits.", example="02:00:00:5e:00:53:00:01"
    )
    key_file: PathText | None = key(
        None, "File with the network key in 32 hexadecimal digits.", example="network-key", secret=True
    )
    trust_center: Eui64Text | None = key(
        None, "EUI-64 of the Trust Center.", example="02:00:00:5e:00:53:00:02"
    )
    install_codes: list[CodeText] = key(
        [], "Install codes with their CRC, each EUI64=CODE; a code is never shown.", secret=True
    )


class Joining(Table):
    """Who may join, and how long."""

    permit_seconds: float | None = key(
        None,
        "How long joining stays open from the beginning, renewed past 254 s. "
        "Absent: 180 on a simulated radio that is not steered over MQTT or HTTP, else 0.",
        example=180,
        unit="s",
        within=values.PERMIT_SECONDS,
    )
    allow: list[Eui64Text] = key([], "EUI-64s of the devices that may join on a real radio.")
    any_joiner: bool = key(False, "On a real radio, let anybody join: lab only.")


class Run(Table):
    """What counts as success, and when to end."""

    observe_seconds: float = key(
        40.0,
        "How long a device is watched after it asked to associate.",
        unit="s",
        within=values.OBSERVE_SECONDS,
    )
    expect: list[OutcomeText] = key(DEFAULT_EXPECT, "Outcomes that pass.", minItems=1)
    once: bool = key(False, "End with the first verdict, and its exit code.")

    @pydantic.field_validator("expect")
    @classmethod
    def _something(cls, words: list[str]) -> list[str]:
        if not words:
            raise PydanticCustomError(SAID, "an empty list: then nothing could pass")
        return words


class Simulation(Table):
    """A simulated air; with a real radio this has no effect."""

    joiner: NameText | None = key(
        None,
        "Which simulated device is powered on: a shipped name (`legacy-tc joiners list`) or a .toml file. "
        "Absent: zboss-r22, or none where the run is steered over MQTT or HTTP.",
        example="zboss-r22",
    )
    seed: int | None = key(
        None,
        "Makes every random draw repeatable. Absent: drawn.",
        example=1,
        within=values.Range(0, LARGEST_SEED),
    )


class Evidence(Table):
    """What is written down of a run."""

    capture: OutputText | None = key(
        None,
        "Write a capture from the beginning that Wireshark opens decrypted. Absent: none.",
        example="run.pcapng",
    )
    events: OutputText | None = key(
        None, "Write every trace record, one JSON object a line. Absent: none.", example="run.jsonl"
    )
    folder: PathText | None = key(
        None,
        "Folder for captures that commands begin, made where it is not there. Absent: they are refused.",
        example="captures",
    )
    max_bytes: int | None = key(
        None,
        "Size at which a capture that a command began takes no more, and has failed. Absent: no limit.",
        example=100_000_000,
        unit="octets",
        within=values.Range(SMALLEST_LIMIT, 2**63 - 1),
    )


class State(Table):
    """What survives a run."""

    folder: PathText | None = key(
        None,
        "Keep network, keys, counters and devices here, and go on from there. Absent: nothing survives.",
        example="state",
    )


class Mqtt(Table):
    """Commands and events over MQTT."""

    url: BrokerText | None = key(
        None,
        "The broker, mqtt://host:1883 or, over TLS, mqtts://host:8883. Absent: no MQTT.",
        example="mqtts://localhost:8883",
    )
    id: TcIdText = key(
        DEFAULT_TC_ID,
        "The name of this bench in topics, legacy-tc/ID/...; one of its own for each bench at a broker.",
        pattern=f"^{values.TC_ID}$",
    )
    username: str | None = key(None, "User at the broker. Absent: none.", example="rack7-tc0")
    password_file: PathText | None = key(
        None, "File with the user's password. Absent: none.", example="mqtt-password", secret=True
    )
    ca_file: PathText | None = key(
        None,
        "Certificates (PEM) of those who may vouch for the broker. Absent: those of the operating system.",
        example="ca.pem",
    )
    certificate_file: PathText | None = key(
        None, "Our own certificate (PEM), where the broker asks for one. Absent: none.", example="client.pem"
    )
    key_file: PathText | None = key(
        None,
        "Private key (PEM) of the certificate. Absent: it is in the certificate's file.",
        example="client.key",
        secret=True,
    )
    allow_plaintext: bool = key(
        False, "Speak plain text (mqtt://) to another host than this one: whoever is on the way can read it."
    )
    outbox: int = key(
        10_000,
        "Events that are kept while the broker is away; past that the oldest are dropped, and that is told.",
        unit="events",
        within=values.Range(1, MAX_OUTBOX),
    )
    keepalive_seconds: int = key(
        5,
        "How often an idle connection is proved. A broker that stays silent is given up after once to twice "
        "as long; one that hears nothing of us says offline after 1.5 times as long.",
        unit="s",
        within=values.Range(1, 65_535),
    )
    frames: bool = key(False, "Publish every frame heard and sent as an event.")
    home_assistant: bool = key(
        False, "Describe the bench to Home Assistant: a panel with profile, joining, last verdict and radio."
    )
    home_assistant_prefix: TopicText = key(
        "homeassistant",
        "The topic below which Home Assistant looks for devices.",
        pattern=f"^{values.TOPIC_PREFIX}$",
    )


class Http(Table):
    """Commands, events and metrics over HTTP."""

    listen: ListenText | None = key(
        None,
        "Where to listen: 127.0.0.1:8321 or [::1]:8321; port 0 takes a free one. Absent: no HTTP. "
        "Another address than loopback needs token_file.",
        example="127.0.0.1:8321",
    )
    token_file: PathText | None = key(
        None,
        "File with the token that every request must bring. Absent: no token is asked for.",
        example="http-token",
        secret=True,
    )


class Control(Table):
    """What those who give commands may see and do."""

    expose_keys: bool = key(False, "Give key material to those who ask over MQTT or HTTP.")
    requests_in_flight: int = key(
        1000,
        "Requests for one command that are worked on at a time; further ones are refused.",
        unit="requests",
        within=values.Range(1, MAX_IN_FLIGHT),
    )


class Log(Table):
    """The log on stderr."""

    level: Literal["debug", "info", "warning", "error"] = key("info", "The least that is logged.")
    format: Literal["auto", "json", "console"] = key(
        "auto", "json, one object a line; console, for people; auto: console on a terminal, else json."
    )


class Document(Table):
    """A configuration of legacy-tc: every section and every key may be left out."""

    trust_center: TrustCenter = TrustCenter()
    radio: Radio = Radio()
    network: Network = Network()
    joining: Joining = Joining()
    run: Run = Run()
    simulation: Simulation = Simulation()
    evidence: Evidence = Evidence()
    state: State = State()
    mqtt: Mqtt = Mqtt()
    http: Http = Http()
    control: Control = Control()
    log: Log = Log()
