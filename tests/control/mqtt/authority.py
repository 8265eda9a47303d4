"""Certificates that last as long as a test."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme

from tests.control.mqtt.broker import OPEN


@dataclass
class Authority:
    """A certificate authority and what it issues, in files."""

    folder: Path
    ca: trustme.CA

    def issue(self, name: str, *identities: str, **more: Any) -> None:
        cert = self.ca.issue_cert(*identities, **more)
        cert.private_key_pem.write_to_path(str(self.file(f"{name}.key")))
        cert.cert_chain_pems[0].write_to_path(str(self.file(f"{name}.pem")))

    def file(self, name: str) -> Path:
        return self.folder / name

    def config(self, certificate: str, *more: str) -> str:
        """The lines of a broker that shows this certificate."""
        files = {"cafile": "ca.pem", "certfile": f"{certificate}.pem", "keyfile": f"{certificate}.key"}
        return "\n".join((OPEN, *(f"{key} {self.file(name)}" for key, name in files.items()), *more))

    def link(self, name: str) -> dict[str, Any]:
        """What a client of this name shows and believes."""
        certificate, key = self.file(f"{name}.pem"), self.file(f"{name}.key")
        return {"ca_file": self.file("ca.pem"), "certificate_file": certificate, "key_file": key}


def authority_in(folder: Path) -> Authority:
    """With brokers, good and bad, and two clients."""
    made = Authority(folder, trustme.CA())
    made.ca.cert_pem.write_to_path(str(made.file("ca.pem")))
    trustme.CA().cert_pem.write_to_path(str(made.file("other.pem")))
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    made.issue("good", "127.0.0.1")
    made.issue("named", "broker.rack")
    made.issue("expired", "127.0.0.1", not_before=past - datetime.timedelta(days=1), not_after=past)
    for name in ("bench", "runner"):
        made.issue(name, f"{name}@rack", common_name=name)
    return made
