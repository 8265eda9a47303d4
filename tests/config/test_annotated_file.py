"""configs/legacy-tc.toml and docs/configuration.md say what is so; the JSON Schema is a schema."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest
import trustme

from coordinator.cli import invoke
from coordinator.composition import OBSERVE
from coordinator.config import json_schema
from coordinator.config.configuration import load
from coordinator.config.keys import entries, sections
from coordinator.config.rules import faults
from coordinator.config.schema import Document
from coordinator.control.mqtt import link
from coordinator.control.options import IN_FLIGHT, Options
from coordinator.daemon.control import LogSettings
from coordinator.profiles import document
from coordinator.profiles.locate import configs_folder
from coordinator.types import SECOND

ROOT = Path(__file__).parents[2]
ANNOTATED = configs_folder() / "legacy-tc.toml"
Table = dict[str, dict[str, object]]


def uncommented() -> str:
    """The annotated file with every key in force."""
    return re.sub(r"^#(?=\S)", "", ANNOTATED.read_text(), flags=re.MULTILINE)


def remarks() -> dict[str, str]:
    """The comment above each key of the annotated file."""
    found: dict[str, str] = {}
    section = ""
    lines: list[str] = []
    for line in ANNOTATED.read_text().splitlines():
        if header := re.fullmatch(r"\[(\w+)\]", line):
            section, lines = header[1], []
        elif setting := re.match(r"#(\w+) = ", line):
            found[f"{section}.{setting[1]}"] = " ".join(lines)
            lines = []
        elif line.startswith("# "):
            lines.append(line.removeprefix("# "))
    return found


def judge() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema.generate())


def test_as_it_is_the_annotated_file_changes_nothing() -> None:
    assert load(ANNOTATED, {}).values == load(None, {}).values
    assert load(ANNOTATED, {}).origins == {}


def test_the_annotated_file_names_every_key_and_no_other() -> None:
    named: Table = tomllib.loads(uncommented())
    assert list(named) == list(sections())
    assert [(section, name) for section, table in named.items() for name in table] == [
        tuple(entry.key) for entry in entries()
    ]


def test_the_annotated_file_has_every_true_default_and_says_where_there_is_none() -> None:
    named: Table = tomllib.loads(uncommented())
    said = remarks()
    for entry in entries():
        shown = named[entry.key.section][entry.key.name]
        if entry.default is None:
            assert "absent:" in said[str(entry.key)], entry.key
        else:
            assert shown == entry.default, entry.key
            assert type(shown) is type(entry.default), entry.key
            assert "absent:" not in said[str(entry.key)], entry.key


def test_all_of_the_annotated_file_is_valid_once_its_secrets_are_there(tmp_path: Path) -> None:
    main = tmp_path / "legacy-tc.toml"
    main.write_text(uncommented())
    (tmp_path / "network-key").write_text("00112233445566778899aabbccddeeff")
    for name in ("mqtt-password", "http-token"):
        (tmp_path / name).write_text("x")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    client = authority.issue_cert("rack7-tc0.example")
    client.cert_chain_pems[0].write_to_path(tmp_path / "client.pem")
    client.private_key_pem.write_to_path(tmp_path / "client.key")
    configuration = load(main, {})
    assert faults(configuration) == []
    assert set(configuration.origins) == {entry.key for entry in entries()}
    assert invoke(["config", "check", str(main)]) == 0


def test_the_default_of_a_limit_is_what_the_program_does_without_it() -> None:
    values = Document()
    assert values.run.observe_seconds * SECOND == OBSERVE
    assert values.control.requests_in_flight == IN_FLIGHT
    unsaid = link.at("mqtt://127.0.0.1", id="tc0")
    assert (values.mqtt.outbox, values.mqtt.keepalive_seconds) == (unsaid.outbox, unsaid.keepalive)
    log = LogSettings()
    assert (values.log.level, values.log.format) == (log.level, log.form)
    options = Options(id="tc0")
    assert (values.mqtt.frames, values.control.expose_keys) == (options.frames, options.expose_keys)


def test_the_schema_is_a_schema_of_draft_2020_12() -> None:
    found = json_schema.generate()
    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(found)


def test_the_schema_takes_the_annotated_file_with_and_without_its_comments() -> None:
    judge().validate(tomllib.loads(ANNOTATED.read_text()))
    judge().validate(tomllib.loads(uncommented()))


def test_the_schema_describes_every_key_and_gives_its_unit() -> None:
    found = json.loads(json.dumps(json_schema.generate()))
    for entry in entries():
        reference = found["properties"][entry.key.section]["$ref"].removeprefix("#/$defs/")
        described = found["$defs"][reference]["properties"][entry.key.name]
        assert described["description"] == entry.description
        assert ("unit" in described) == ("Unit: " in entry.description)
        assert described.get("default") == entry.default
        assert ("default" in described) == (entry.default is not None)
    assert found["$defs"]["Joining"]["properties"]["permit_seconds"]["unit"] == "s"
    assert found["$defs"]["Radio"]["properties"]["tx_power"]["unit"] == "dBm"


WRONG = [
    "[mqtt]\nurll = 'x'", "[mqqt]\nurl = 'x'", "mqtt = 3", "[log]\nlevel = 'inf'", "[network]\nchannel = 27",
    "[network]\nchannel = '15'", "[network]\npan_id = 0xffff", "[network]\npan_id = true",
    "[network]\npan_id = 'x'", "[network]\ntrust_center = '0'", "[joining]\nallow = ['x']",
    "[joining]\npermit_seconds = -1", "[run]\nonce = 1", "[run]\nexpect = ['joined']", "[run]\nexpect = []",
    "[run]\nexpect = 'left-by-joiner'", "[state]\nfolder = 3", "[mqtt]\nid = 'Rack'", "[mqtt]\noutbox = 0",
    "[mqtt]\noutbox = 1000001", "[mqtt]\noutbox = 1.5", "[evidence]\nmax_bytes = 1", "[radio]\ntx_power = 31",
]  # fmt: skip
RIGHT = [
    "[network]\npan_id = 0x1a62", "[network]\npan_id = '6754'", "[joining]\npermit_seconds = 180",
    "[joining]\nallow = ['00124b0001020304', '0x00124B0001020304', '00-12-4b-00-01-02-03-04']",
    "[run]\nobserve_seconds = 1.5\nexpect = ['inconclusive']", "[log]\nformat = 'json'\nlevel = 'debug'",
    "[mqtt]\noutbox = 1000000\nurl = 'mqtts://[2001:db8::1]'", "[simulation]\nseed = 0",
    "[network]\ninstall_codes = ['f4ce360011223344=83FED3407A939723A5C639B26916D505C3B5']",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "right"), [*((text, False) for text in WRONG), *((text, True) for text in RIGHT)]
)
def test_the_schema_and_the_program_are_of_one_mind(text: str, right: bool) -> None:
    parsed = tomllib.loads(text)
    assert judge().is_valid(parsed) is right
    assert (document.faults(Document, parsed, "a file") == []) is right


def test_the_verb_prints_that_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["config", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json_schema.generate()


def test_the_documentation_has_the_table_of_keys(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    table = page.partition("<!-- keys: legacy-tc config keys -->\n")[2].partition("<!-- end of keys -->")[0]
    assert invoke(["config", "keys"]) == 0
    assert table == capsys.readouterr().out


def test_the_configuration_that_the_documentation_shows_is_valid(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    examples = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert examples
    for text in examples:
        main = tmp_path / "legacy-tc.toml"
        main.write_text(text)
        assert faults(load(main, {})) == []


SHIPPED = [ROOT / name for name in ("Dockerfile", "compose.yaml", "deploy", "docs", "README.md")]


def shipped_texts() -> list[Path]:
    found = [path for place in SHIPPED for path in (place, *place.rglob("*"))]
    return [path for path in found if path.is_file()]


def test_every_variable_that_is_named_anywhere_is_one() -> None:
    named = {
        variable
        for path in shipped_texts()
        for variable in re.findall(r"LEGACY_TC__\w+", path.read_text(errors="replace"))
    }
    assert len(named) > 5
    assert named - {entry.key.variable for entry in entries()} <= {"LEGACY_TC__SECTION__KEY"}


def test_every_configuration_that_ships_is_valid() -> None:
    found = [path for path in shipped_texts() if path.name == "legacy-tc.toml"]
    assert found
    for path in found:
        assert invoke(["config", "check", str(path)]) == 0
