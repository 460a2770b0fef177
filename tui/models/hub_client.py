"""The HTTP client of the Hugging Face Hub: who is asked, with which token, and the list of a model's files.

HF_ENDPOINT, HF_TOKEN, HF_TOKEN_PATH, HF_HOME and HF_HUB_OFFLINE act as they do in huggingface_hub. That library itself
is not used: it deletes what has come of a file when its process ends, accepts any part of a file for the one it asked
for, checks no hash, and describes this machine in every request.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from tui import __version__
from tui.errors import ModelError
from tui.models.hub import HubReference, choose_file, is_file_name, parts_among
from tui.models.locations import folder_from, hub_home

if TYPE_CHECKING:
    from httpx2 import URL, Client, Response

STALL_S = 30.0
"""Seconds without a byte after which a connection is opened anew."""

_TRUE = {"1", "ON", "YES", "TRUE"}
_SHA256 = re.compile("[0-9a-fA-F]{64}")


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
    """A file on the Hub: its name in the repository, its size in bytes, its sha256 and its address."""

    name: str
    size: int
    sha256: str
    url: str


def list_hub_files(reference: HubReference, endpoint: str | None = None) -> list[HubFile]:
    """Return the files of the model that a reference means, as the Hub describes them; raises ModelError."""
    from httpx2 import TransportError

    endpoint = (endpoint or os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    repo = f"{reference.user}/{reference.repo}"
    try:
        with get(f"{endpoint}/api/models/{repo}?blobs=true") as response:
            refuse(response, str(reference))
            listed = msgspec.json.decode(response.read(), type=_Repo)
    except msgspec.DecodeError:
        raise ModelError(f"What the Hub says of {reference} is no list of files; is HF_ENDPOINT right?") from None
    except TransportError as error:
        why = type(error).__name__  # its words can hold an address with a secret in it
        raise ModelError(f"The Hub cannot be reached ({why}); are you online, and is HF_ENDPOINT right?") from None
    lfs_of = {file.rfilename: file.lfs for file in listed.siblings if is_file_name(file.rfilename)}
    files = []
    for name in parts_among(choose_file(reference, lfs_of), lfs_of):
        lfs = lfs_of[name]
        if lfs is None or not _SHA256.fullmatch(lfs.sha256) or lfs.size < 0:
            raise ModelError(f"The Hub gives no sha256 for {name!r} of {reference}, so it could not be checked.")
        # The address of this revision: what is fetched later, or resumed, is what was described.
        url = f"{endpoint}/{repo}/resolve/{quote(listed.sha, safe='')}/{quote(name)}"
        files.append(HubFile(name, lfs.size, lfs.sha256.lower(), url))
    return files


@contextmanager
def get(url: str, headers: dict[str, str] | None = None) -> "Iterator[Response]":
    """Open a response, its body still to come. The token goes to the Hub alone: a redirect to another host drops it."""
    import httpx2

    if any(os.environ.get(name, "").upper() in _TRUE for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")):
        raise ModelError("HF_HUB_OFFLINE is set, so nothing can be pulled.")
    token = _token()
    sent = {"User-Agent": f"twiddle/{__version__}", "Accept-Encoding": "identity", **(headers or {})}
    if token:
        sent["Authorization"] = f"Bearer {token}"
    try:
        if token and not _is_private(httpx2.URL(url)):
            raise ModelError(
                "The address of the Hub is without encryption, and your token would be read on the way: make "
                "HF_ENDPOINT begin with https://, or pull without the token (HF_TOKEN, or what `hf auth login` stored)."
            )
        timeout = httpx2.Timeout(STALL_S)
        with open_client() as client, client.stream("GET", url, headers=sent, timeout=timeout) as response:
            if url.startswith("https:") and any(hop.url.scheme != "https" for hop in (*response.history, response)):
                raise ModelError("The Hub points to an address without encryption, so nothing was fetched.")
            yield response
    except (httpx2.TooManyRedirects, httpx2.InvalidURL):
        raise ModelError("The Hub points to no address, or in a circle; is HF_ENDPOINT right?") from None


def open_client() -> "Client":
    """Open a client that follows redirects and knows the proxies of the environment."""
    from httpx2 import Client

    return Client(follow_redirects=True)


def refuse(response: "Response", what: str) -> None:
    """Raise ModelError, with what to do, for a response that does not bring `what`."""
    status, code = response.status_code, response.headers.get("X-Error-Code", "")
    if code == "GatedRepo":
        raise ModelError(f"{what} is gated: agree to its terms on its page, and set HF_TOKEN to a token of yours.")
    if status in (401, 403, 404):
        raise ModelError(f"The Hub shows no {what}; check the name, and set HF_TOKEN if it is private.")
    if status not in (200, 206):
        raise ModelError(f"The Hub answered {status} for {what}; try again later.")


def _token() -> str:
    """Return the person's token, from the environment or as `hf auth login` stored it; empty where there is none."""
    token = os.environ.get("HF_TOKEN") or os.environ.get("HUGGING_FACE_HUB_TOKEN")
    if not token:
        try:
            token = (folder_from("HF_TOKEN_PATH") or hub_home() / "token").read_text(encoding="utf-8")
        except (OSError, ValueError):
            return ""
    return "".join(token.splitlines()).strip()


def _is_private(address: "URL") -> bool:
    """Return True if nobody between here and there can read what is sent to an address."""
    return address.scheme == "https" or address.host in ("localhost", "127.0.0.1", "::1")
