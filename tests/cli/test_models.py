"""`twiddle models` as a person and as a program see it."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command
from tests.gguf import number, string, tiny, write
from tui.engine.hardware import Machine
from tui.models.free_memory import FreeMemory


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    monkeypatch.setenv("TWIDDLE_MODELS", str(folder))
    for name in ("OLLAMA_MODELS", "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("tui.models.locations.find_spec", lambda _: None)
    monkeypatch.setattr("tui.cli.models.measure_memory", lambda: FreeMemory(16 * 10**9, 10**9))
    monkeypatch.setattr("tui.cli.models.with_gpu", lambda room: room)

    def unreachable(*_: Any) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    return folder


HOSTILE = "\x1b]0;x\x07[/red][@click=app.quit]\u202e"


def test_list_names_what_is_here_and_what_is_broken(twiddle: Command, models: Path) -> None:
    good = write(models / "maker/Tiny-GGUF/tiny-Q4_0.gguf")
    bad = models / "bad.gguf"
    bad.write_bytes(tiny()[:-1])
    code, out, _ = twiddle("models", "list")
    assert code == 0
    broken = f"broken: The model {str(bad)!r} is incomplete: it has 863 of 864 bytes; download it again."
    assert out.splitlines() == [
        f"bad\t863\t{broken}\t\ttwiddle\t{bad}",
        f"hf.co/maker/Tiny-GGUF:Q4_0\t864\tQ4_0\t2048\ttwiddle\t{good}",
    ]
    rows = json.loads(twiddle("models", "list", "--json").out)
    assert rows[1] == {
        "model": "hf.co/maker/Tiny-GGUF:Q4_0", "size": 864, "quantization": "Q4_0", "context": 2048, "from": "twiddle",
        "file": str(good),
    }  # fmt: skip
    assert rows[0]["broken"].endswith("download it again.")


def test_list_is_a_table_on_a_terminal(twiddle: Command, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(models / "a[bold].gguf")
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setattr("tui.cli.stdout.is_terminal", lambda: True)
    monkeypatch.setattr("tui.cli.models.is_terminal", lambda: True)
    heading, row = twiddle("models", "list").out.splitlines()
    assert heading.split() == ["model", "size", "quantization", "context", "from", "file"]
    assert row.split()[:4] == ["a[bold]", "864", "bytes", "F32"]


def test_info_takes_a_file_apart(twiddle: Command, models: Path) -> None:
    licence = ("general.license", string("apache-2.0"))
    path = write(models / "tiny-Instruct.gguf", licence, ("tokenizer.ggml.eos_token_id", number(1)))
    lines = twiddle("models", "info", str(path)).out.splitlines()
    for line in (
        "model\tname\tTiny",
        f"model\tfile\t{path}",
        "model\tkind\tllama, 80 parameters, F32",
        "model\ttraining\tinstruct: trained to answer",
        "model\tlicence\tapache-2.0",
        "shape\tkey and value heads\t1",
        f"tensors\tF32\t2\t80\t320 bytes\t32\t{24 * chr(0x2588)} 100%",
        "tokenizer\teos token\t'b'",
        "memory\tKV cache\t32.8 kB\tfor 2,048 tokens; num_ctx sets it",
        "weights\tbf16\t160 bytes\t17.0 MB",
        "metadata\tllama.block_count\t1",
        "template\tnone",
        "verdict\tCPU only: 17.0 MB of the 1.0 GB that are free",
    ):
        assert line in lines


def test_info_reckons_with_another_context(twiddle: Command, models: Path) -> None:
    path = str(write(models / "tiny.gguf"))
    known = json.loads(twiddle("models", "info", path, "--num-ctx", "4096", "--json").out)
    assert (known["memory"]["context"], known["memory"]["cache"]) == (4096, 65_536)
    assert known["verdict"]["place"] == "cpu"
    assert known["room"] == {"total": 16 * 10**9, "free": 10**9, "gpu": 0}
    assert "out of range" in twiddle("models", "info", path, "--num-ctx", "-1").err


def test_info_says_what_does_not_fit(twiddle: Command, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.cli.models.measure_memory", lambda: FreeMemory(10**6, 10**5))
    assert (
        "verdict\tdoes not fit: it needs 17.0 MB, 100 kB are free; "
        in twiddle("models", "info", str(write(models / "tiny.gguf"))).out
    )
    monkeypatch.setattr("tui.cli.models.measure_memory", lambda: None)
    assert "the memory of this machine cannot be told" in twiddle("models", "info", "tiny").out


@pytest.mark.parametrize(("offload", "place"), [(True, "gpu"), (False, "cpu")])
def test_a_gpu_counts_where_the_build_can_use_it(
    twiddle: Command, models: Path, monkeypatch: pytest.MonkeyPatch, offload: bool, place: str
) -> None:
    async def describe() -> Machine:
        return Machine("0", "", offload, 2)

    monkeypatch.setattr("tui.cli.models._describe", describe)
    monkeypatch.setattr("tui.cli.models.with_gpu", lambda room: FreeMemory(room.total, room.free, 10**9))
    path = str(write(models / "tiny.gguf"))
    assert json.loads(twiddle("models", "info", path, "--json").out)["verdict"]["place"] == place


@pytest.mark.parametrize("people", [True, False])
def test_nothing_in_a_file_acts_on_the_terminal(
    twiddle: Command, models: Path, monkeypatch: pytest.MonkeyPatch, people: bool
) -> None:
    for place in ("tui.cli.stdout", "tui.cli.model_info"):
        monkeypatch.setattr(f"{place}.is_terminal", lambda: people)
    keys = ("general.name", "general.license", "tokenizer.chat_template", "tokenizer.ggml.model", f"x{HOSTILE}")
    path = write(models / "tiny.gguf", *((key, string(HOSTILE)) for key in keys))
    code, out, err = twiddle("models", "info", str(path))
    assert (code, err) == (0, "")
    assert "[@click=app.quit]" in out
    assert not set("\x1b\x07\u202e") & set(out.replace("\x1b[1m", "").replace("\x1b[0m", ""))
    assert twiddle("models", "info", str(path), "--json").out.isascii()


@pytest.mark.parametrize(
    ("name", "stem", "template", "trained"),
    [
        ("SmolLM2 135M", "SmolLM2-135M-Instruct-Q4_0", True, "instruct"),
        ("Gemma 3 1B It", "gemma-3-1b-it-Q4_0", True, "instruct"),
        ("Tiny", "tiny", True, "instruct"),
        ("Tiny", "tiny", False, "base"),
        ("Qwen 3 1.7B Base", "Qwen3-1.7B-Base", True, "base"),
        ("Database expert", "database", True, "instruct"),
    ],
)
def test_base_or_instruct(twiddle: Command, models: Path, name: str, stem: str, template: bool, trained: str) -> None:
    pairs = [("general.name", string(name)), *([("tokenizer.chat_template", string("x"))] if template else [])]
    path = write(models / f"{stem}.gguf", *pairs)
    assert json.loads(twiddle("models", "info", str(path), "--json").out)["trained"] == trained


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            ["info", "hf.co/maker/Tiny"],
            1,
            "not on this machine yet; fetch it with `twiddle models pull hf.co/maker/Tiny`",
        ),
        (["info", "/none.gguf"], 1, "There is no model file '/none.gguf'"),
        (["pull", "llama3.2"], 2, "'llama3.2' is not on the Hub; write hf.co/USER/REPO"),
        (["pull", "hf.co/../x"], 1, "is not written like hf.co/USER/REPO"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(twiddle: Command, words: list[str], code: int, said: str) -> None:
    ended, out, err = twiddle("models", *words)
    assert (ended, out) == (code, "")
    assert said in err and err.count("\n") == 1
