"""A disk in memory that records what is asked of it, refuses when told to, and can be cut off."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Inode:
    """A file's octets: those on the medium, and the writes that a power cut may keep, lose or tear."""

    durable: bytes = b""
    pending: list[tuple[int, bytes]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Step:
    """One recorded operation; `used` is a note that these counter values were on the air by now."""

    name: str
    path: str = ""
    other: str = ""
    offset: int = 0
    octets: bytes = b""
    used: tuple[int, int] = (0, 0)


class DiskLock:
    def release(self) -> None: ...


class DiskFile:
    def __init__(self, disk: Disk, inode: Inode, path: str) -> None:
        self._disk, self._inode, self._path = disk, inode, path

    def write_at(self, offset: int, octets: bytes) -> None:
        self._disk.note(Step("write", self._path, offset=offset, octets=octets))
        self._inode.pending.append((offset, octets))

    def sync(self) -> None:
        self._disk.note(Step("sync", self._path))
        self._inode.durable = content(self._inode.durable, self._inode.pending)
        self._inode.pending.clear()

    def close(self) -> None: ...


class Disk:
    """Implements `runtime.files.Files`. `fail_at` is the number of the operation that is refused, with
    all that follow it until `mend`, or only `failures` of them.
    """

    def __init__(self, fail_at: int | None = None, failures: int = 1_000_000) -> None:
        self.steps: list[Step] = []
        self.operations = 0
        self.fail_at = fail_at
        self.failures = failures
        self._names: dict[str, Inode] = {}

    def note(self, step: Step) -> None:
        self.operations += 1
        if self.fail_at is not None and self.fail_at < self.operations <= self.fail_at + self.failures:
            raise OSError(28, "No space left on device")
        self.steps.append(step)

    def used(self, network: int, aps: int) -> None:
        self.steps.append(Step("used", used=(network, aps)))

    def mend(self) -> None:
        self.fail_at = None

    def make_folder(self, folder: Path) -> None: ...

    def read(self, path: Path) -> bytes | None:
        inode = self._names.get(str(path))
        return None if inode is None else content(inode.durable, inode.pending)

    def create(self, path: Path) -> DiskFile:
        self.note(Step("create", str(path)))
        inode = self._names[str(path)] = Inode()
        return DiskFile(self, inode, str(path))

    def replace(self, source: Path, target: Path) -> None:
        self.note(Step("replace", str(source), str(target)))
        self._names[str(target)] = self._names.pop(str(source))

    def remove(self, path: Path) -> None:
        self.note(Step("remove", str(path)))
        self._names.pop(str(path), None)

    def sync_folder(self, folder: Path) -> None:
        self.note(Step("sync_folder", str(folder)))

    def lock(self, path: Path) -> DiskLock:
        return DiskLock()


def content(durable: bytes, writes: list[tuple[int, bytes]]) -> bytes:
    octets = bytearray(durable)
    for offset, written in writes:
        if len(octets) < offset + len(written):
            octets.extend(bytes(offset + len(written) - len(octets)))
        octets[offset : offset + len(written)] = written
    return bytes(octets)


def after_power_cut(steps: list[Step], fate: random.Random | None, *, keep: bool = False) -> Disk:
    """The disk that these steps leave behind. What was not synced is lost; with `keep` it is all there; with
    `fate` each write is kept, lost or torn as it falls, and of the names not synced some first ones are new.
    """
    names: dict[str, Inode] = {}
    durable_names: dict[str, Inode] = {}
    pending_names: list[dict[str, Inode]] = []
    for step in steps:
        match step.name:
            case "create":
                # O_TRUNC on a name that is there would empty the old file; ours are always of another name.
                names = {**names, step.path: Inode()}
                pending_names.append(names)
            case "write":
                names[step.path].pending.append((step.offset, step.octets))
            case "sync":
                inode = names[step.path]
                inode.durable = content(inode.durable, inode.pending)
                inode.pending.clear()
            case "replace":
                names = {**names, step.other: names[step.path]}
                del names[step.path]
                pending_names.append(names)
            case "sync_folder":
                durable_names, pending_names = names, []
            case _:
                pass
        if step.name == "replace":
            # Later writes go by the new name.
            names[step.path] = names[step.other]
    left = durable_names
    if pending_names and (keep or fate is not None):
        left = pending_names[-1 if fate is None else fate.randrange(len(pending_names))]
        if fate is not None and fate.random() < 0.3:
            left = durable_names
    disk = Disk()
    for path, inode in left.items():
        kept = inode.pending if keep else [] if fate is None else _fallen(inode.pending, fate)
        disk._names[path] = Inode(content(inode.durable, kept))
    return disk


def _fallen(writes: list[tuple[int, bytes]], fate: random.Random) -> list[tuple[int, bytes]]:
    kept = []
    for offset, octets in writes:
        match fate.randrange(4):
            case 0:
                kept.append((offset, octets))
            case 1:
                kept.append((offset, octets[: fate.randrange(len(octets) + 1)]))
            case 2:
                start = fate.randrange(len(octets) + 1)
                kept.append((offset + start, octets[start:]))
            case _:
                pass
    return kept
