"""The folder that state is kept in, and its file as a whole: held, read, begun, replaced, erased."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from coordinator.runtime import journal, records, reservation
from coordinator.runtime.committer import Committer
from coordinator.runtime.errors import StateError
from coordinator.runtime.files import Files, Lock, OsFiles
from coordinator.runtime.records import Saved

STATE = "state"
LOCK = "lock"


def hold(folder: Path, files: Files) -> Lock:
    """Make the folder if need be, and lock it. Raises StateError, StateHeld when another process has it."""
    try:
        files.make_folder(folder)
        return files.lock(folder / LOCK)
    except OSError as error:
        raise StateError(f"{folder}: {error.strerror or error}") from None


def load(folder: Path, files: Files) -> tuple[dict[bytes, bytes], Saved]:
    """What is in this folder, in use or not, as records and as values. Raises StateError."""
    path = folder / STATE
    try:
        octets = files.read(path)
        image, torn = ({}, False) if octets is None else journal.decode_file(octets)
        saved = records.decode(image)
        if torn:
            reservation.jump(saved)
            image.update((name, records.encode_bound(bound)) for name, bound in saved.bounds.items())
        return image, saved
    except OSError as error:
        raise StateError(f"{path}: {error.strerror or error}") from None
    except StateError as error:
        raise StateError(f"{path}: {error}") from None


def begin(
    folder: Path, files: Files, image: dict[bytes, bytes], clock: Callable[[], float] = time.monotonic
) -> Committer:
    """Write the file that is to be continued from these records. Raises StateError."""
    committer = Committer(files, folder / STATE, image, clock)
    try:
        committer.create()
    except OSError as error:
        raise StateError(f"{folder}: cannot be written: {error.strerror or error}") from None
    return committer


def put(folder: Path, saved: Saved, *, replace_existing: bool, files: Files | None = None) -> None:
    """Make this the state of a folder. Raises StateError, also when there is one that is not to be replaced.

    A network key that was here before never goes back to lower counters, whatever `saved` says.
    """
    files = files or OsFiles()
    lock = hold(folder, files)
    try:
        _, present = load(folder, files)
        if present.network is not None and not replace_existing:
            raise StateError(f"{folder / STATE}: there is a network already; --force replaces it")
        bounds = dict(present.bounds)
        for counter, bound in saved.bounds.items():
            bounds[counter] = max(bound, bounds.get(counter, 0))
        forgotten = max(saved.forgotten, present.forgotten)
        floor = max(saved.floor, present.floor)
        whole = replace(saved, bounds=bounds, forgotten=forgotten, floor=floor)
        begin(folder, files, records.encode(whole)).close()
    finally:
        lock.release()


def forget(folder: Path, files: Files | None = None) -> bool:
    """Forget the network in a folder that nobody uses; False when there was none. Raises StateError.

    What stays: how many were forgotten, for one drawn from the same seed is to be another; and how far
    counters may have gone, for the same network key may be asked for again, and devices may come back with
    the link keys that they had. A state that cannot be read is removed.
    """
    files = files or OsFiles()
    try:
        if files.read(folder / STATE) is None:
            return False
        lock = files.lock(folder / LOCK)
        try:
            return _forget(folder, files)
        finally:
            lock.release()
    except OSError as error:
        raise StateError(f"{folder}: {error.strerror or error}") from None


def _forget(folder: Path, files: Files) -> bool:
    try:
        _, saved = load(folder, files)
    except StateError:
        files.remove(folder / STATE)
        files.remove(folder / f"{STATE}.new")
        files.sync_folder(folder)
        return True
    if saved.network is None:
        return False
    kept = {name: bound for name, bound in saved.bounds.items() if name == records.APS_COUNTER}
    floor = max(saved.floor, *saved.bounds.values(), 0)
    rest = Saved(bounds=kept, forgotten=saved.forgotten + 1, floor=floor)
    begin(folder, files, records.encode(rest)).close()
    return True
