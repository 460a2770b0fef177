"""Fetching a model from the Hugging Face Hub: resumed, checked against its sha256, and in its place only when whole.

huggingface_hub knows the endpoint, the token and the proxies, and opens the connections. The bytes are fetched here,
because `hf_hub_download` throws away what has come when its process ends, and checks neither what range it was given
nor any hash. What it would tell the Hub of this machine with every request is not sent.
"""

import errno
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from tui import __version__
from tui.errors import ModelError
from tui.models.hub import HubReference, choose, is_file_name, parts_among
from tui.models.memory import show_size
from tui.models.preflight import check_model
from tui.paths import models_dir

if TYPE_CHECKING:
    from httpx2 import URL, Response

STALL_S = 30.0
"""A connection on which nothing comes for so long is opened anew."""
RETRIES = 5
"""So many connections in a row may bring nothing."""
RETRY_S = 1.0
SPARE = 2**26
"""Bytes of disk that a download leaves to others."""
_CHUNK = 2**20
_SHA256 = re.compile("[0-9a-fA-F]{64}")

Tell = Callable[[str, str, int, int], None]
"""Told what is done (`fetching`, `checking`, `waiting for`), which file, how many bytes of it, and of how many."""


class _Lfs(msgspec.Struct):
    sha256: str
    size: int


class _File(msgspec.Struct):
    rfilename: str
    lfs: _Lfs | None = None


class _Repo(msgspec.Struct):
    sha: str
    siblings: list[_File] = []


class HubFile(msgspec.Struct, frozen=True):
    """A file that the Hub has: its name in the repository, its size in bytes, its sha256 and its address."""

    name: str
    size: int
    sha256: str
    url: str


def pull(reference: HubReference, tell: Tell, endpoint: str | None = None) -> Path:
    """Fetch the files that a reference means and return the first; raises ModelError, keeping what has come.

    A file that is there already is checked instead. `endpoint` is the address of the Hub, HF_ENDPOINT's unless given.
    """
    offers = offered(reference, endpoint)
    folder = models_dir() / reference.user / reference.repo
    targets = [folder / offer.name for offer in offers]
    try:
        for target in targets:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.parent.resolve().is_relative_to(models_dir().resolve()):
                raise ModelError(f"The folder {str(target.parent)!r} is a link that leads out of the models folder.")
        _check_space(offers, targets)
        for offer, target in zip(offers, targets, strict=True):
            _get(offer, target, tell)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ModelError(f"The disk of {str(folder)!r} is full; what has come is kept, pull again.") from None
        raise ModelError(f"{str(error.filename or folder)!r} cannot be written: {error.strerror}.") from None
    check_model(targets[0])
    return targets[0]


def offered(reference: HubReference, endpoint: str | None = None) -> list[HubFile]:
    """The files of the model that a reference means, as the Hub describes them; raises ModelError."""
    from httpx2 import TransportError
    from huggingface_hub import constants, hf_hub_url

    repo = f"{reference.user}/{reference.repo}"
    try:
        with _asking(f"{endpoint or constants.ENDPOINT}/api/models/{repo}?blobs=true", {}) as response:
            _refuse(response, str(reference))
            told = msgspec.json.decode(response.read(), type=_Repo)
    except msgspec.DecodeError:
        raise ModelError(f"What the Hub says of {reference} is no list of files; is HF_ENDPOINT right?") from None
    except TransportError as error:
        why = type(error).__name__  # its words can hold an address with a secret in it
        raise ModelError(f"The Hub cannot be reached ({why}); are you online, and is HF_ENDPOINT right?") from None
    files = {file.rfilename: file.lfs for file in told.siblings if is_file_name(file.rfilename)}
    offers = []
    for name in parts_among(choose(reference, files), files):
        lfs = files[name]
        if lfs is None or not _SHA256.fullmatch(lfs.sha256) or lfs.size < 0:
            raise ModelError(f"The Hub gives no sha256 for {name!r} of {reference}, so it could not be checked.")
        # The address of this revision: what is fetched later, or resumed, is what was described.
        url = hf_hub_url(repo, name, revision=told.sha, endpoint=endpoint)
        offers.append(HubFile(name, lfs.size, lfs.sha256.lower(), url))
    return offers


# --- one file -------------------------------------------------------------------------------------------------------


def _get(offer: HubFile, target: Path, tell: Tell) -> None:
    with _alone(offer, target, tell):
        if target.is_file() and target.stat().st_size == offer.size:
            with target.open("rb") as file:
                if _hash(file, offer, tell).hexdigest() == offer.sha256:
                    return
        partial = _partial(offer, target)
        for other in target.parent.glob(f".{target.name}.*.partial"):
            if other != partial:
                other.unlink()
        # A link planted under that name is not followed.
        opened = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        with os.fdopen(opened, "r+b") as file:
            digest = _fetch(offer, file, tell)
            os.fsync(opened)
        if digest != offer.sha256:
            partial.unlink()
            raise ModelError(
                f"What came of {offer.name!r} is not what the Hub has (its sha256 differs); pull it again."
            )
        partial.replace(target)


@contextmanager
def _alone(offer: HubFile, target: Path, tell: Tell) -> Iterator[None]:
    """Who comes second to a file waits until the first is done, and then finds it in its place."""
    from filelock import FileLock, Timeout

    lock = FileLock(target.with_name(f".{target.name}.lock"))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        tell("waiting for", offer.name, 0, offer.size)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _partial(offer: HubFile, target: Path) -> Path:
    """Where it grows. The name says which content it is to have, so that no other is taken for its beginning."""
    return target.with_name(f".{target.name}.{offer.sha256[:16]}.partial")


def _check_space(offers: list[HubFile], targets: list[Path]) -> None:
    missing = 0
    for offer, target in zip(offers, targets, strict=True):
        here = target if target.is_file() else _partial(offer, target)
        missing += max(offer.size - (here.stat().st_size if here.is_file() else 0), 0)
    free = shutil.disk_usage(targets[0].parent).free
    if missing and missing + SPARE > free:
        raise ModelError(
            f"{show_size(missing + SPARE)} of disk are needed and {show_size(free)} are free where "
            f"{str(models_dir())!r} is; make room, or set TWIDDLE_MODELS to a folder on another disk."
        )


def _hash(file: BinaryIO, offer: HubFile, tell: Tell) -> "hashlib._Hash":
    """The sha256 so far of a file read from where it stands to its end."""
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        tell("checking", offer.name, file.tell(), offer.size)
    return digest


def _fetch(offer: HubFile, file: BinaryIO, tell: Tell) -> str:
    """Fetch what is missing of a file, over as many connections as it takes; returns its sha256."""
    from httpx2 import TransportError

    if os.fstat(file.fileno()).st_size > offer.size:
        file.truncate(0)
    digest, idle = _hash(file, offer, tell), 0
    while (have := file.tell()) < offer.size:
        try:
            with _asking(offer.url, {"Range": f"bytes={have}-"} if have else {}) as response:
                if response.status_code == 200 and have:  # the whole of it, though a part was asked for
                    file.seek(0)
                    file.truncate()
                    digest = hashlib.sha256()
                _receive(response, offer, file, digest, tell)
        except (TransportError, _Cut):
            pass
        idle = 0 if file.tell() > have else idle + 1
        if idle == RETRIES:
            raise ModelError(
                f"The Hub stopped sending {offer.name!r} after {show_size(file.tell())} of {show_size(offer.size)}; "
                "what has come is kept, pull again to go on."
            )
        if file.tell() < offer.size:
            time.sleep(RETRY_S)
    return digest.hexdigest()


class _Cut(Exception):
    """An answer that is of no use; the next may be."""


def _receive(response: "Response", offer: HubFile, file: BinaryIO, digest: "hashlib._Hash", tell: Tell) -> None:
    """Append what a response brings, which has to be what is missing and no more."""
    have = file.tell()
    if response.status_code in (408, 429) or response.status_code >= 500:
        raise _Cut
    _refuse(response, repr(offer.name))
    if response.status_code == 206 and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
        raise ModelError(f"The server sent another part of {offer.name!r} than it was asked for; pull it again.")
    told = response.headers.get("Content-Length", "")
    if told.isdigit() and int(told) != offer.size - have:
        raise ModelError(f"The server has {int(told) + have:,} bytes of {offer.name!r}, and the Hub {offer.size:,}.")
    for chunk in response.iter_raw():  # as they come: of a larger chunk, a cut would lose what it holds so far
        if file.tell() + len(chunk) > offer.size:
            file.truncate(0)
            raise ModelError(f"The server sends more of {offer.name!r} than the Hub's {offer.size:,} bytes.")
        file.write(chunk)
        digest.update(chunk)
        tell("fetching", offer.name, file.tell(), offer.size)


# --- the Hub --------------------------------------------------------------------------------------------------------


@contextmanager
def _asking(url: str, headers: dict[str, str]) -> "Iterator[Response]":
    """A response, its body still to come. The token goes to the Hub alone: a redirect to another host drops it."""
    import httpx2
    from huggingface_hub import get_session, get_token
    from huggingface_hub.errors import OfflineModeIsEnabled

    token = get_token()
    sent = {"User-Agent": f"twiddle/{__version__}", "Accept-Encoding": "identity", **headers}
    if token:
        sent["Authorization"] = f"Bearer {token}"
    try:
        if token and not _is_private(httpx2.URL(url)):
            raise ModelError(
                "The address of the Hub is without encryption, and your token would be read on the way: make "
                "HF_ENDPOINT begin with https://, or pull without the token (HF_TOKEN, or what `hf auth login` kept)."
            )
        with get_session().stream("GET", url, headers=sent, timeout=httpx2.Timeout(STALL_S)) as response:
            if url.startswith("https:") and any(hop.url.scheme != "https" for hop in (*response.history, response)):
                raise ModelError("The Hub points to an address without encryption, so nothing was fetched.")
            yield response
    except OfflineModeIsEnabled:
        raise ModelError("HF_HUB_OFFLINE is set, so nothing can be pulled.") from None
    except (httpx2.TooManyRedirects, httpx2.InvalidURL):
        raise ModelError("The Hub points to no address, or in a circle; is HF_ENDPOINT right?") from None


def _is_private(address: "URL") -> bool:
    """Whether nobody between here and there can read what is sent to an address."""
    return address.scheme == "https" or address.host in ("localhost", "127.0.0.1", "::1")


def _refuse(response: "Response", what: str) -> None:
    status, code = response.status_code, response.headers.get("X-Error-Code", "")
    if code == "GatedRepo":
        raise ModelError(f"{what} is gated: agree to its terms on its page, and set HF_TOKEN to a token of yours.")
    if status in (401, 403, 404):
        raise ModelError(f"The Hub shows no {what}; check the name, and set HF_TOKEN if it is private.")
    if status not in (200, 206):
        raise ModelError(f"The Hub answered {status} for {what}; try again later.")
