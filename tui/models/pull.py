"""Fetching a model from the Hugging Face Hub: resumed, checked against its sha256, and in its place only when whole."""

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tui.errors import ModelError
from tui.models.hub import HubReference
from tui.models.hub_client import HubFile, get, list_hub_files, refuse
from tui.models.memory import show_size
from tui.models.preflight import check_model
from tui.paths import models_dir

if TYPE_CHECKING:
    from httpx2 import Response

RETRIES = 5
"""Connections in a row that bring nothing before a download is given up."""
RETRY_S = 1.0
"""Seconds between two connections."""
SPARE = 2**26
"""Bytes of disk that a download leaves to others."""
_CHUNK = 2**20

Report = Callable[[str, str, int, int], None]
"""Progress: the activity (`fetching`, `checking`, `waiting for`), the file, its bytes so far and in all."""


def pull(reference: HubReference, report: Report, endpoint: str | None = None) -> Path:
    """Fetch the files that a reference means and return the first; raises ModelError, keeping what has come.

    A file that is there already is checked instead. `endpoint` is the address of the Hub, HF_ENDPOINT's unless given.
    """
    files = list_hub_files(reference, endpoint)
    folder = models_dir() / reference.user / reference.repo
    targets = [folder / file.name for file in files]
    try:
        for target in targets:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.parent.resolve().is_relative_to(models_dir().resolve()):
                raise ModelError(f"The folder {str(target.parent)!r} is a link that leads out of the models folder.")
        _check_space(files, targets)
        for file, target in zip(files, targets, strict=True):
            _fetch_file(file, target, report)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ModelError(f"The disk of {str(folder)!r} is full; what has come is kept, pull again.") from None
        raise ModelError(f"{str(error.filename or folder)!r} cannot be written: {error.strerror}.") from None
    check_model(targets[0])
    return targets[0]


# --- one file -------------------------------------------------------------------------------------------------------


def _fetch_file(source: HubFile, target: Path, report: Report) -> None:
    with _lock(source, target, report):
        if target.is_file() and target.stat().st_size == source.size:
            with target.open("rb") as file:
                if _hash(file, source, report).hexdigest() == source.sha256:
                    return
        partial = _partial(source, target)
        for other in target.parent.glob(f".{target.name}.*.partial"):
            if other != partial:
                other.unlink()
        # A link planted under that name is not followed.
        handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        with os.fdopen(handle, "r+b") as file:
            digest = _fetch(source, file, report)
            os.fsync(handle)
        if digest != source.sha256:
            partial.unlink()
            raise ModelError(
                f"What came of {source.name!r} is not what the Hub has (its sha256 differs); pull it again."
            )
        partial.replace(target)


@contextmanager
def _lock(source: HubFile, target: Path, report: Report) -> Iterator[None]:
    """Hold the file for this process: a second pull waits until the first is done, and then finds it in its place."""
    from filelock import FileLock, Timeout

    lock = FileLock(target.with_name(f".{target.name}.lock"))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        report("waiting for", source.name, 0, source.size)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _partial(source: HubFile, target: Path) -> Path:
    """Return the path of a download under way. Its name holds the hash, so that no other content is resumed."""
    return target.with_name(f".{target.name}.{source.sha256[:16]}.partial")


def _check_space(files: list[HubFile], targets: list[Path]) -> None:
    missing = 0
    for file, target in zip(files, targets, strict=True):
        here = target if target.is_file() else _partial(file, target)
        missing += max(file.size - (here.stat().st_size if here.is_file() else 0), 0)
    free = shutil.disk_usage(targets[0].parent).free
    if missing and missing + SPARE > free:
        raise ModelError(
            f"{show_size(missing + SPARE)} of disk are needed and {show_size(free)} are free where "
            f"{str(models_dir())!r} is; make room, or set TWIDDLE_MODELS to a folder on another disk."
        )


def _hash(file: BinaryIO, source: HubFile, report: Report) -> "hashlib._Hash":
    """Read a file from its position to its end and return the sha256 so far."""
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        report("checking", source.name, file.tell(), source.size)
    return digest


def _fetch(source: HubFile, file: BinaryIO, report: Report) -> str:
    """Fetch the missing end of a file, over as many connections as it takes, and return the sha256 of the whole."""
    from httpx2 import TransportError

    if os.fstat(file.fileno()).st_size > source.size:
        file.truncate(0)
    digest, idle = _hash(file, source, report), 0
    while (start := file.tell()) < source.size:
        try:
            with get(source.url, {"Range": f"bytes={start}-"} if start else {}) as response:
                if response.status_code == 200 and start:  # the whole of it, though a part was asked for
                    file.seek(0)
                    file.truncate()
                    digest = hashlib.sha256()
                _receive(response, source, file, digest, report)
        except (TransportError, _BusyServer):
            pass
        idle = 0 if file.tell() > start else idle + 1
        if idle == RETRIES:
            raise ModelError(
                f"The Hub stopped sending {source.name!r} after {show_size(file.tell())} of {show_size(source.size)}; "
                "what has come is kept, pull again to go on."
            )
        if file.tell() < source.size:
            time.sleep(RETRY_S)
    return digest.hexdigest()


class _BusyServer(Exception):
    """A response without the file; another connection may bring it."""


def _receive(response: "Response", source: HubFile, file: BinaryIO, digest: "hashlib._Hash", report: Report) -> None:
    """Append the body of a response, which has to be what is missing and no more."""
    start = file.tell()
    if response.status_code in (408, 429) or response.status_code >= 500:
        raise _BusyServer
    refuse(response, repr(source.name))
    if response.status_code == 206 and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        raise ModelError(f"The server sent another part of {source.name!r} than it was asked for; pull it again.")
    length = response.headers.get("Content-Length", "")
    if length.isdigit() and int(length) != source.size - start:
        raise ModelError(
            f"The server has {int(length) + start:,} bytes of {source.name!r}, and the Hub {source.size:,}."
        )
    for chunk in response.iter_raw():  # as they come: of a larger chunk, a cut would lose what it holds so far
        if file.tell() + len(chunk) > source.size:
            file.truncate(0)
            raise ModelError(f"The server sends more of {source.name!r} than the Hub's {source.size:,} bytes.")
        file.write(chunk)
        digest.update(chunk)
        report("fetching", source.name, file.tell(), source.size)
