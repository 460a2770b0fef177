"""Pulling, from a Hub on this machine that cuts, stalls, lies and points elsewhere."""

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO

import httpx2
import pytest

from tests.gguf import DATA, LLAMA, TENSORS, array, gguf, number, tensor, tiny
from tui.errors import ModelError
from tui.models import hub_client
from tui.models import pull as pulling
from tui.models.hub import HubReference
from tui.models.pull import pull
from tui.models.reference import find_model

MODEL = gguf([*LLAMA, ("filler", array(range(20_000), "I"))], TENSORS, DATA)
NAME = "small-Q4_0.gguf"
SHA = "0123456789abcdef0123456789abcdef01234567"
SECRET = "hf_do_not_tell_anyone"


class Hub(ThreadingHTTPServer):
    """A Hub with one repository, and a list of what goes wrong with one request for a file after the other."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {NAME: MODEL}
        self.hashes: dict[str, str] = {}
        self.listing: bytes | None = None
        self.status = 200
        self.faults: list[str] = []
        self.elsewhere: Hub | None = None
        self.lists: list[dict[str, str]] = []
        self.gets: list[dict[str, str]] = []
        """The headers of every request, for the list and for files."""
        self.go_on = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def describe(self) -> bytes:
        if self.listing is not None:
            return self.listing
        siblings: list[dict[str, Any]] = [{"rfilename": "README.md"}]
        for name, content in self.files.items():
            sha256 = self.hashes.get(name, hashlib.sha256(content).hexdigest())
            siblings.append({"rfilename": name, "lfs": {"sha256": sha256, "size": len(content), "pointerSize": 1}})
        return json.dumps({"id": "maker/Small-GGUF", "sha": SHA, "siblings": siblings}).encode()


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.path = self.path.removeprefix("http://hub.test")  # asked as a proxy
        if self.path.startswith("/api/models/"):
            self.server.lists.append(dict(self.headers))
            self._answer(self.server.status, self.server.describe())
            return
        self.server.gets.append(dict(self.headers))
        if self.server.elsewhere:
            self._answer(302, b"", {"Location": f"{self.server.elsewhere.address}{self.path}"})
            return
        fault = self.server.faults.pop(0) if self.server.faults else ""
        name = self.path.removeprefix(f"/maker/Small-GGUF/resolve/{SHA}/")
        self._serve(self.server.files[name], fault)

    def _serve(self, content: bytes, fault: str) -> None:
        whole = len(content)
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        headers: dict[str, str] = {}
        if asked and fault != "ignore range":
            told = start + 7 if fault == "other range" else start
            status = 206
            headers = {"Content-Range": f"bytes {told}-{whole - 1}/{whole}"}
            content = content[told:]
        else:
            status = 200
        if fault in ("500", "404"):
            self._answer(int(fault), b"<html>no</html>")
        elif fault == "web page":
            self._answer(200, b"<html>please log in</html>")
        elif fault == "chunked and longer":
            self._answer(status, content + content, headers, length=None)
        elif fault.startswith(("cut", "stall")):
            self._answer(status, content[: int(fault.split()[1])], headers, length=len(content))
            if fault.startswith("stall"):
                self.server.go_on.wait(20)
        elif fault == "wait":
            self.server.go_on.wait(20)
            self._answer(status, content, headers)
        else:
            self._answer(status, content, headers)

    def _answer(
        self, status: int, content: bytes, headers: dict[str, str] | None = None, length: int | None = -1
    ) -> None:
        self.send_response(status)
        if status == 401 and self.server.elsewhere:
            self.send_header("WWW-Authenticate", f'Bearer realm="{self.server.elsewhere.address}/token"')
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(len(content) if length == -1 else length))
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = True


@pytest.fixture
def hubs() -> Iterator[list[Hub]]:
    """Two Hubs; to the client they are two hosts."""
    started = [Hub(), Hub()]
    for hub in started:
        threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield started
    for hub in started:
        hub.go_on.set()
        hub.shutdown()
        hub.server_close()


@pytest.fixture
def hub(hubs: list[Hub]) -> Hub:
    return hubs[0]


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TWIDDLE_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("HF_TOKEN", SECRET)
    monkeypatch.setattr(pulling, "RETRY_S", 0)
    monkeypatch.setattr(hub_client, "STALL_S", 0.3)
    return tmp_path / "models"


def fetch(hub: Hub, tag: str = "", heard: list[tuple[str, str, int, int]] | None = None) -> Path:
    told = [] if heard is None else heard
    return pull(HubReference("maker", "Small-GGUF", tag), lambda *news: told.append(news), hub.address)


def target(models: Path) -> Path:
    return models / "maker/Small-GGUF" / NAME


def leftovers(models: Path) -> list[str]:
    return sorted(path.name for path in target(models).parent.iterdir() if not path.name.endswith(".lock"))


def test_a_model_is_fetched_and_from_can_name_it(hub: Hub, models: Path) -> None:
    heard: list[tuple[str, str, int, int]] = []
    assert fetch(hub, heard=heard) == target(models)
    assert target(models).read_bytes() == MODEL
    assert leftovers(models) == [NAME]
    assert find_model("hf.co/maker/Small-GGUF:Q4_0") == target(models)
    assert heard[-1] == ("fetching", NAME, len(MODEL), len(MODEL))


def test_g31_what_is_there_is_checked_and_not_fetched_again(hub: Hub, models: Path) -> None:
    fetch(hub)
    fetch(hub)
    assert len(hub.gets) == 1
    target(models).write_bytes(MODEL[:-1] + b"x")
    fetch(hub)
    assert len(hub.gets) == 2
    assert target(models).read_bytes() == MODEL


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_f01_a_connection_that_is_cut_is_resumed(hub: Hub, models: Path, share: float) -> None:
    at = int(len(MODEL) * share)
    hub.faults = [f"cut {at}"]
    fetch(hub)
    assert [headers.get("Range") for headers in hub.gets] == [None, f"bytes={at}-"]
    assert target(models).read_bytes() == MODEL


@pytest.mark.parametrize("at", [0, 5000])
def test_f09_a_connection_that_stalls_is_opened_anew(hub: Hub, models: Path, at: int) -> None:
    hub.faults = [f"stall {at}"]
    fetch(hub)
    assert len(hub.gets) == 2
    assert target(models).read_bytes() == MODEL


def test_a_busy_server_is_asked_again(hub: Hub, models: Path) -> None:
    hub.faults = ["500", "cut 9000", "500"]
    fetch(hub)
    assert [headers.get("Range") for headers in hub.gets] == [None, None, "bytes=9000-", "bytes=9000-"]
    assert target(models).read_bytes() == MODEL


def test_f02_a_server_that_knows_no_ranges_starts_over(hub: Hub, models: Path) -> None:
    hub.faults = ["cut 9000", "ignore range"]
    fetch(hub)
    assert target(models).read_bytes() == MODEL


def test_f01_it_gives_up_and_the_next_pull_goes_on(hub: Hub, models: Path) -> None:
    hub.faults = ["cut 9000"] + ["cut 0"] * pulling.RETRIES
    with pytest.raises(ModelError, match=r"stopped sending 'small-Q4_0.gguf' after 9.0 kB of .* what has come is kept"):
        fetch(hub)
    assert not target(models).exists()
    fetch(hub)
    assert hub.gets[-1]["Range"] == "bytes=9000-"
    assert target(models).read_bytes() == MODEL


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        (["cut 9000", "other range"], "another part of 'small-Q4_0.gguf' than it was asked for"),
        (["web page"], "The server has 26 bytes of 'small-Q4_0.gguf', and the Hub"),
        (["chunked and longer"], "sends more of 'small-Q4_0.gguf' than"),
        (["404"], "The Hub shows no 'small-Q4_0.gguf'"),
    ],
)
def test_f03_f15_a_server_that_lies_is_refused(hub: Hub, models: Path, faults: list[str], said: str) -> None:
    hub.faults = faults
    with pytest.raises(ModelError, match=said):
        fetch(hub)
    assert not target(models).exists()


def test_f04_content_of_the_right_size_and_another_hash_is_thrown_away(hub: Hub, models: Path) -> None:
    hub.hashes[NAME] = "ab" * 32
    with pytest.raises(ModelError, match="its sha256 differs"):
        fetch(hub)
    assert leftovers(models) == []


@pytest.mark.parametrize("digest", ["ab" * 31, "zz" * 32, "../../../../evil".ljust(64, "a"), "ab" * 31 + "\n"])
def test_f16_what_is_no_sha256_is_refused(hub: Hub, models: Path, digest: str) -> None:
    hub.hashes[NAME] = digest
    with pytest.raises(ModelError, match="gives no sha256"):
        fetch(hub)
    assert not hub.gets and not models.exists()


def test_f05_what_is_left_of_another_content_is_not_resumed(hub: Hub, models: Path) -> None:
    hub.faults = ["cut 9000"] + ["cut 0"] * pulling.RETRIES
    with pytest.raises(ModelError, match="stopped sending"):
        fetch(hub)
    hub.files[NAME] = MODEL[:-1] + b"\x01"
    fetch(hub)
    assert "Range" not in hub.gets[-1]
    assert leftovers(models) == [NAME]


def test_a_whole_file_that_is_no_model_is_said(hub: Hub) -> None:
    hub.files[NAME] = tiny(("llama.block_count", number(0)))
    with pytest.raises(ModelError, match="said to have 0 layers"):
        fetch(hub)


def test_a_split_model_is_all_its_parts(hub: Hub, models: Path) -> None:
    split = ("split.count", number(2, "H"))
    hub.files = {
        "Q8_0/big-Q8_0-00002-of-00002.gguf": gguf([split], [tensor("blk.0.attn_k.weight", [8, 4], 0)], 128),
        "Q8_0/big-Q8_0-00001-of-00002.gguf": tiny(split),
    }
    path = fetch(hub, "Q8_0")
    assert path == models / "maker/Small-GGUF/Q8_0/big-Q8_0-00001-of-00002.gguf"
    assert len(hub.gets) == 2
    assert find_model("hf.co/maker/Small-GGUF:Q8_0") == path
    del hub.files["Q8_0/big-Q8_0-00002-of-00002.gguf"]
    with pytest.raises(ModelError, match="lacks its part"):
        fetch(hub, "Q8_0")


@pytest.mark.parametrize(
    "name", ["../../evil-Q4_0.gguf", "/etc/evil-Q4_0.gguf", "a\\..\\evil-Q4_0.gguf", "\x1b-Q4_0.gguf"]
)
def test_f10_names_that_lead_elsewhere_are_not_on_offer(hub: Hub, models: Path, name: str) -> None:
    hub.files = {name: MODEL}
    with pytest.raises(ModelError, match="holds no GGUF"):
        fetch(hub)
    assert not hub.gets and not models.exists()


def test_f11_a_link_out_of_the_folder_is_not_followed(hub: Hub, models: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    models.mkdir()
    (models / "maker").symlink_to(tmp_path / "out")
    with pytest.raises(ModelError, match="a link that leads out of the models folder"):
        fetch(hub)
    (models / "maker").unlink()
    target(models).parent.mkdir(parents=True)
    partial = f".{NAME}.{hashlib.sha256(MODEL).hexdigest()[:16]}.partial"
    target(models).with_name(partial).symlink_to(tmp_path / "victim")
    with pytest.raises(ModelError, match="cannot be written"):
        fetch(hub)
    assert not (tmp_path / "victim").exists()


def test_f07_the_disk_is_looked_at_first(hub: Hub, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**6, 0, 10**4))
    with pytest.raises(ModelError, match=r"67.2 MB of disk are needed and 10.0 kB are free .* set TWIDDLE_MODELS"):
        fetch(hub)
    assert not hub.gets


def test_f07_a_disk_that_fills_up_meanwhile_keeps_what_has_come(
    hub: Hub, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def __init__(self, file: BinaryIO) -> None:
            self._file = file

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

        def write(self, data: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    receive = pulling._receive

    def receive_on_a_full_disk(response: Any, offer: Any, file: BinaryIO, digest: Any, tell: Any) -> None:
        receive(response, offer, Full(file), digest, tell)  # type: ignore[arg-type]

    monkeypatch.setattr(pulling, "_receive", receive_on_a_full_disk)
    with pytest.raises(ModelError, match="is full; what has come is kept"):
        fetch(hub)
    assert not target(models).exists()


# --- who is told what -----------------------------------------------------------------------------------------------


def test_f12_f14_the_token_stays_with_its_host(
    hubs: list[Hub], models: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    hub, storage = hubs
    hub.elsewhere = storage
    storage.faults = ["cut 9000", "500"]
    fetch(hub)
    assert target(models).read_bytes() == MODEL
    assert all(headers["Authorization"] == f"Bearer {SECRET}" for headers in (*hub.lists, *hub.gets))
    assert len(storage.gets) == 3
    assert not any("Authorization" in headers for headers in storage.gets)
    storage.faults = ["404"]
    target(models).unlink()
    with pytest.raises(ModelError) as caught:
        fetch(hub)
    assert SECRET not in str(caught.value) + caplog.text + "".join(capfd.readouterr())


def test_f13_who_asks_for_a_token_for_another_host_gets_none(hubs: list[Hub]) -> None:
    hub, other = hubs
    hub.elsewhere, hub.status = other, 401
    with pytest.raises(ModelError, match="The Hub shows no hf.co/maker/Small-GGUF"):
        fetch(hub)
    assert not other.lists and not other.gets


def test_nothing_of_this_machine_is_told(hub: Hub) -> None:
    fetch(hub)
    for headers in (*hub.lists, *hub.gets):
        assert re.fullmatch(r"twiddle/[\d.]+", headers["User-Agent"])
    assert len(hub.lists) == 1


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "The Hub shows no hf.co/maker/Small-GGUF; check the name, and set HF_TOKEN if it is private"),
     (404, "The Hub shows no hf.co/maker/Small-GGUF"), (503, "The Hub answered 503 for hf.co/maker/Small-GGUF")],
)  # fmt: skip
def test_a_refusal_is_said(hub: Hub, status: int, said: str) -> None:
    hub.status = status
    with pytest.raises(ModelError, match=said):
        fetch(hub)


@pytest.mark.parametrize("listing", [b"<html>log in</html>", b"[]", b'{"sha": 1}', b"\xff", b""])
def test_a_list_that_is_none_is_said(hub: Hub, listing: bytes) -> None:
    hub.listing = listing
    with pytest.raises(ModelError, match="is no list of files; is HF_ENDPOINT right?"):
        fetch(hub)


def test_f12_f19_no_hub_no_circle_no_hash(hubs: list[Hub]) -> None:
    hub, other = hubs
    hub.elsewhere, other.elsewhere = other, hub
    with pytest.raises(ModelError, match="in a circle"):
        fetch(hub)
    hub.listing = hub.describe().replace(b'"sha256"', b'"sha1"')
    with pytest.raises(ModelError, match="no list of files"):
        fetch(hub)
    hub.listing = json.dumps({"sha": SHA, "siblings": [{"rfilename": NAME}]}).encode()
    with pytest.raises(ModelError, match="gives no sha256"):
        fetch(hub)
    hub.listing = None
    hub.shutdown()
    hub.server_close()
    with pytest.raises(ModelError, match=r"The Hub cannot be reached \(ConnectError\); are you online"):
        fetch(hub)


def test_f12_an_address_without_encryption_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        if request.url.scheme == "https":
            return httpx2.Response(302, headers={"Location": "http://hub.test/elsewhere"})
        return httpx2.Response(200, content=b"{}")

    def client() -> httpx2.Client:
        return httpx2.Client(transport=httpx2.MockTransport(answer), follow_redirects=True)

    monkeypatch.setattr(hub_client, "open_client", client)
    with pytest.raises(ModelError, match="an address without encryption"):
        pull(HubReference("maker", "Small-GGUF"), lambda *_: None, "https://hub.test")
    assert [("Authorization" in request.headers) for request in sent] == [True, False]


def test_the_token_is_not_sent_where_it_can_be_read_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(404)

    monkeypatch.setattr(hub_client, "open_client", lambda: httpx2.Client(transport=httpx2.MockTransport(answer)))
    with pytest.raises(ModelError, match="your token would be read on the way: make HF_ENDPOINT"):
        pull(HubReference("maker", "Small-GGUF"), lambda *_: None, "http://hub.test")
    assert not sent
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(ModelError, match="shows no"):
        pull(HubReference("maker", "Small-GGUF"), lambda *_: None, "http://hub.test")
    assert [("Authorization" in request.headers) for request in sent] == [False]


def test_the_token_of_the_login_is_used_and_offline_is_obeyed(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.delenv("HF_TOKEN_PATH", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    fetch(hub)
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf/token").write_text(f"{SECRET}\n")
    fetch(hub)
    assert [headers.get("Authorization") for headers in hub.lists] == [None, f"Bearer {SECRET}"]
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE is set"):
        fetch(hub)


# --- several at once, and none at all -------------------------------------------------------------------------------


def test_f08_two_pulls_of_a_file_are_one_download(hub: Hub, models: Path) -> None:
    hub.faults = ["wait"]
    got: list[Path] = []
    heard: list[tuple[str, str, int, int]] = []
    threads = [threading.Thread(target=lambda: got.append(fetch(hub, heard=heard))) for _ in range(2)]
    for thread in threads:
        thread.start()
    pause = threading.Event()
    while not hub.gets or ("waiting for", NAME, 0, len(MODEL)) not in heard:
        pause.wait(0.01)
    hub.go_on.set()
    for thread in threads:
        thread.join(20)
    assert got == [target(models)] * 2
    assert len(hub.gets) == 1


def command(hub: Hub, *words: str, **more: str) -> "subprocess.Popen[str]":
    environment = {"HF_ENDPOINT": hub.address, "PYTHONPATH": str(Path(__file__).parents[2]), **more}
    return subprocess.Popen(
        [sys.executable, "-m", "tui", "models", *words],
        env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_f20_a_proxy_and_an_endpoint_are_honoured(hub: Hub, models: Path) -> None:
    elsewhere = {"HF_ENDPOINT": "http://hub.test", "HF_TOKEN": "", "HTTP_PROXY": hub.address}
    proxied = command(hub, "pull", "hf.co/maker/Small-GGUF", **elsewhere)
    out, err = proxied.communicate(timeout=60)
    assert (proxied.returncode, out) == (0, f"{target(models)}\n"), err
    assert [headers["Host"] for headers in (*hub.lists, *hub.gets)] == ["hub.test", "hub.test"]


def test_f19_without_a_network_it_is_a_sentence_and_what_is_here_still_works(hub: Hub, models: Path) -> None:
    fetch(hub)
    offline = {"HF_ENDPOINT": "http://nowhere.invalid", "HF_TOKEN": ""}
    pulled = command(hub, "pull", "hf.co/maker/Other-GGUF", **offline)
    _, err = pulled.communicate(timeout=60)
    assert (pulled.returncode, err.count("\n")) == (1, 1)
    assert err.startswith("twiddle: The Hub cannot be reached (ConnectError); are you online")
    listed = command(hub, "list", **offline)
    out, _ = listed.communicate(timeout=60)
    assert "hf.co/maker/Small-GGUF:Q4_0" in out


def test_f06_the_command_prints_the_path_and_survives_a_kill(hub: Hub, models: Path) -> None:
    hub.faults = ["stall 40000"]
    killed = command(hub, "pull", "hf.co/maker/Small-GGUF")
    partial = target(models).with_name(f".{NAME}.{hashlib.sha256(MODEL).hexdigest()[:16]}.partial")
    pause = threading.Event()
    while not partial.exists() or not partial.stat().st_size:
        assert killed.poll() is None
        pause.wait(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert not target(models).exists()
    again = command(hub, "pull", "hf.co/maker/Small-GGUF")
    out, err = again.communicate(timeout=60)
    assert (again.returncode, out) == (0, f"{target(models)}\n")
    assert (
        err.startswith("twiddle: It is ready; `twiddle chat hf.co/maker/Small-GGUF` opens it") and err.count("\n") == 1
    )
    assert "Range" in hub.gets[1]
    assert target(models).read_bytes() == MODEL
