"""What `docker compose up` would start, as compose itself reads it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import cast

import pytest

from tests.operation.debian import DEPLOY, ROOT, program, run

COMPOSE = ROOT / "compose.yaml"
AS_JSON = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))"
DEVICE_LINES = re.compile(r"^( +)# (- /dev:/dev:ro|device_cgroup_rules: .*|group_add: .*)$", re.MULTILINE)

Service = dict[str, object]


def services(path: Path = COMPOSE) -> dict[str, Service]:
    """The services, after compose has found nothing wrong; Debian's compose comes with a reader of YAML."""
    compose = program("docker-compose", "docker-compose")
    run(compose, "--project-directory", ROOT, "-f", path, "config", "--quiet")
    told = run("/usr/bin/python3", "-c", AS_JSON, path).stdout
    return cast(dict[str, Service], json.loads(told)["services"])


@pytest.mark.real_time
def test_no_service_can_do_more_than_it_must() -> None:
    for name, service in services().items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["init"] is True, name
        assert "/tmp" in cast(list[str], service["tmpfs"]), name
        assert cast(Service, service["healthcheck"])["test"], name
        assert "privileged" not in service, name
        assert service["networks"] == ["bench"], name


@pytest.mark.real_time
def test_only_this_machine_reaches_a_port() -> None:
    ports = [port for service in services().values() for port in cast(list[str], service.get("ports", []))]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.real_time
def test_no_hardware_is_asked_for_and_what_is_mounted_is_there() -> None:
    volumes = []
    for service in services().values():
        assert not {"devices", "device_cgroup_rules", "group_add"} & set(service)
        volumes += cast(list[str], service["volumes"])
    mounted = [volume.split(":") for volume in volumes if volume.startswith(".")]
    assert len(mounted) == 2
    for source, _, mode in mounted:
        assert (ROOT / source).is_file()
        assert mode == "ro"
    with (DEPLOY / "compose" / "legacy-tc.toml").open("rb") as file:
        assert tomllib.load(file)["radio"]["url"] == "sim:"


@pytest.mark.real_time
def test_the_lines_for_a_stick_are_good_lines_once_they_are_taken(tmp_path: Path) -> None:
    text, taken = DEVICE_LINES.subn(r"\1\2", COMPOSE.read_text("utf-8"))
    assert taken == 3
    path = tmp_path / "compose.yaml"
    path.write_text(text, encoding="utf-8")
    service = services(path)["legacy-tc"]
    assert service["device_cgroup_rules"] == ["c 166:* rw", "c 188:* rw"]
    assert service["group_add"] == ["20"]
    assert "/dev:/dev:ro" in cast(list[str], service["volumes"])


OFFERED = re.compile(r"^( *)# (?=(?:  [A-Z_]+: |  - /|[a-z_]+: *[\[{]|[a-z_]+:$|- /dev:))", re.MULTILINE)
"""The comments that are lines of compose, and not of prose."""


@pytest.mark.real_time
def test_every_line_that_is_offered_can_be_taken_at_once(tmp_path: Path) -> None:
    """But for the second address of a radio, which is instead of the first."""
    text, taken = OFFERED.subn(r"\1", COMPOSE.read_text("utf-8"))
    assert taken == 13
    text, others = re.subn(r"^ +LEGACY_TC__RADIO__URL: spinel\+tcp.*\n", "", text, flags=re.MULTILINE)
    assert others == 1
    keys = re.findall(r"^    ([a-z_]+):", text[text.index("\n  legacy-tc:\n") :], re.MULTILINE)
    assert sorted(keys) == sorted(set(keys)), "a key that comes twice is an error, or silently the last"
    path = tmp_path / "compose.yaml"
    path.write_text(text, encoding="utf-8")
    (tmp_path / "http-token").write_text("secret", "ascii")
    service = services(path)["legacy-tc"]
    assert set(cast(dict[str, str], service["environment"])) == {
        "LEGACY_TC__RADIO__URL", "LEGACY_TC__HTTP__LISTEN", "LEGACY_TC__HTTP__TOKEN_FILE",
    }  # fmt: skip
    assert (service["secrets"], service["ports"]) == (["http-token"], ["127.0.0.1:8321:8321"])
    assert {"devices", "device_cgroup_rules", "group_add"} < set(service)


@pytest.mark.real_time
def test_compose_asks_for_health_as_the_image_does() -> None:
    healthcheck = cast(Service, services()["legacy-tc"]["healthcheck"])
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    found = re.search(r"^HEALTHCHECK .*\\\n +CMD (\[.*\])$", dockerfile, re.MULTILINE)
    assert found is not None
    assert healthcheck["test"] == ["CMD", *json.loads(found[1])]
