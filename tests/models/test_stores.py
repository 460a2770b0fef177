"""Models in the stores of other programs: every file that is there is found, and what is not a GGUF is named."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.gguf import TENSORS, gguf, number, tiny, write
from tests.ollama_store import LIBRARY, blob, keep
from tui.errors import ModelError
from tui.models.locations import list_models
from tui.models.preflight import check_model
from tui.models.reference import find_model


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("OLLAMA_MODELS", "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "LLAMA_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("TWIDDLE_MODELS", str(tmp_path / "models"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> Path:
    return home / ".ollama/models"


def listed(faults: list[str] | None = None) -> list[tuple[str, Path]]:
    found = [(found.reference, found.path) for found in list_models(faults) if found.reference != "starter"]
    for reference, path in found:
        assert find_model(reference) == path
    return found


# --- Ollama ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        (f"{LIBRARY}/tiny/latest", "ollama:tiny:latest"),
        (f"{LIBRARY}/llama3.2/1b-instruct-q4_K_M", "ollama:llama3.2:1b-instruct-q4_K_M"),
        ("registry.ollama.ai/mannix/Llama3.1-8B-lexi/Q4", "ollama:mannix/Llama3.1-8B-lexi:Q4"),
        ("hf.co/bartowski/Tiny-GGUF/Q4_K_M", "ollama:hf.co/bartowski/Tiny-GGUF:Q4_K_M"),
        ("hf.co/library/Tiny-GGUF/Q4_K_M", "ollama:hf.co/library/Tiny-GGUF:Q4_K_M"),
        ("reg.example.net:5000/crew/harbor/7b", "ollama:reg.example.net:5000/crew/harbor:7b"),
        ("modelscope.cn/unsloth/Mid-GGUF/latest", "ollama:modelscope.cn/unsloth/Mid-GGUF:latest"),
    ],
)
def test_what_is_listed_is_found(store: Path, name: str, reference: str) -> None:
    file = keep(store, name)
    assert listed() == [(reference, file)]
    assert find_model(reference.upper().replace("OLLAMA:", "ollama:", 1)) == file  # names match in any case


@pytest.mark.parametrize(
    ("name", "parts", "about", "said"),
    [
        ("gpt-oss/120b-cloud", {}, {"remote_host": "https://ollama.com:443", "remote_model": "gpt-oss:120b"},
         "ollama:gpt-oss:120b-cloud is a cloud model: Ollama runs it at https://ollama.com:443"),
        ("kimi-k2/1t-cloud", {}, {}, "ollama:kimi-k2:1t-cloud is a cloud model: Ollama runs it at ollama.com"),
        ("glm-5/cloud", {}, {}, "is a cloud model"),
        ("flux/latest", {"tensor": "x"}, {"model_format": "safetensors"}, "is kept as safetensors, for Ollama's MLX"),
        ("mlx/latest", {"tensor": "x"}, {}, "is kept as safetensors"),
        ("onnx/latest", {"model": b"\x08\x07"}, {"model_format": "onnx"}, "is kept as onnx"),
        ("empty/latest", {}, {}, "ollama:empty:latest names no model in .*; `ollama pull empty:latest` fetches it"),
    ],
)  # fmt: skip
def test_what_is_no_gguf_is_named(
    store: Path, name: str, parts: dict[str, str], about: dict[str, str], said: str
) -> None:
    keep(store, f"{LIBRARY}/{name}", parts, about, model=None)
    good = keep(store)
    faults: list[str] = []
    assert listed(faults) == [("ollama:pirate:latest", good)]
    assert len(faults) == 1
    with pytest.raises(ModelError, match=said) as caught:
        find_model(f"ollama:{name.replace('/', ':')}")
    assert faults == [str(caught.value)]


@pytest.mark.parametrize("text", ["{", "[]", '{"layers": 3}', '{"layers": [{"mediaType": 3}]}', "", "\0", "null"])
def test_a_broken_manifest_costs_one_entry(store: Path, text: str) -> None:
    good = keep(store)
    keep(store, f"{LIBRARY}/bad/latest").write_bytes(tiny())
    (store / "manifests" / LIBRARY / "bad/latest").write_text(text)
    faults: list[str] = []
    assert listed(faults) == [("ollama:pirate:latest", good)]
    assert len(faults) == 1
    assert "bad/latest" in faults[0]


def test_odd_files_among_the_manifests_cost_nothing(store: Path) -> None:
    good = keep(store)
    (store / "manifests/.DS_Store").write_text("x")
    (store / "manifests" / LIBRARY / "pirate/.DS_Store").write_text("x")
    (store / "manifests" / LIBRARY / "notes.txt").write_text("x")
    (store / "manifests" / LIBRARY / "hung").symlink_to(store / "nowhere")
    faults: list[str] = []
    assert listed(faults) == [("ollama:pirate:latest", good)]
    assert faults == []


def test_a_blob_that_is_gone_is_said(store: Path) -> None:
    keep(store).unlink()
    faults: list[str] = []
    assert listed(faults) == []
    assert "lacks its file" in faults[0]
    assert "`ollama pull pirate:latest` fetches it again" in faults[0]


def test_blobs_of_older_versions_have_a_colon(store: Path) -> None:
    file = keep(store)
    older = file.rename(file.with_name(file.name.replace("-", ":")))
    assert listed() == [("ollama:pirate:latest", older)]


def test_the_services_store_is_found_too(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.models.ollama.SYSTEM_STORES", (tmp_path / "service",))
    own, service = keep(store), keep(tmp_path / "service", f"{LIBRARY}/served/latest")
    keep(tmp_path / "service")  # the person's own of that name comes first
    assert listed() == [("ollama:pirate:latest", own), ("ollama:served:latest", service)]


def split_model(parts: int) -> list[bytes]:
    count = ("split.count", number(parts, "H"))
    files = [tiny(count, ("split.no", number(0, "H")))]
    files += [gguf([count, ("split.no", number(no, "H"))], TENSORS, 320) for no in range(1, parts)]
    return files


def test_a_split_model_of_a_store_is_whole(store: Path) -> None:
    files = split_model(3)
    keep(store, parts=[("model", files[2]), ("model", files[0]), ("model", files[1])], model=None)
    [(reference, path)] = listed()
    assert (reference, path.name) == ("ollama:pirate:latest", "part-00001-of-00003.gguf")
    assert len(check_model(path).tensors) == 3 * len(TENSORS)
    assert path.read_bytes() == files[0]
    assert find_model("ollama:pirate") == path  # and again


def test_a_split_model_where_nothing_can_be_written_says_so(store: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    keep(store, parts=[("model", part) for part in split_model(2)], model=None)
    faults: list[str] = []
    assert listed(faults) == []
    assert "is split into 2 files that need links in" in faults[0]


def test_of_several_models_the_last_is_ollamas(store: Path) -> None:
    other = tiny(("general.name", b"\x08\0\0\0" + b"\x05" + bytes(7) + b"Other"))
    keep(store, parts=[("model", other)])
    assert find_model("ollama:pirate").read_bytes() == other


# --- the Hugging Face cache -----------------------------------------------------------------------------------------


def fetched(home: Path, repo: str, revision: str, *names: str, at: int) -> Path:
    """Fetch files of a repository at a revision, at a time."""
    folder = home / f".cache/huggingface/hub/models--{repo.replace('/', '--')}"
    snapshot = folder / "snapshots" / revision
    for name in names:
        there = write(folder / "blobs" / f"{revision}-{name.replace('/', '-')}")
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / name).symlink_to(there)
    os.utime(snapshot, (at, at))
    (folder / "refs").mkdir(exist_ok=True)
    (folder / "refs" / "main").write_text(revision)
    return snapshot


def test_a_file_is_found_whenever_it_was_fetched(home: Path) -> None:
    old = fetched(home, "maker/Small-GGUF", "aaa", "small-Q8_0.gguf", "small-Q4_0.gguf", at=1000)
    new = fetched(home, "maker/Small-GGUF", "bbb", "README.md", "small-Q4_0.gguf", at=3000)
    middle = fetched(home, "maker/Small-GGUF", "ccc", "small-F16.gguf", at=2000)
    assert dict(listed()) == {
        "hf.co/maker/Small-GGUF:Q4_0": new / "small-Q4_0.gguf",
        "hf.co/maker/Small-GGUF:F16": middle / "small-F16.gguf",
        "hf.co/maker/Small-GGUF:Q8_0": old / "small-Q8_0.gguf",
    }
    assert find_model("small-Q8_0") == old / "small-Q8_0.gguf"


def test_a_snapshot_without_a_model_hides_none(home: Path) -> None:
    old = fetched(home, "maker/Small-GGUF", "aaa", "small-Q8_0.gguf", at=1000)
    fetched(home, "maker/Small-GGUF", "bbb", "config.json", at=2000)
    assert find_model("hf.co/maker/Small-GGUF") == old / "small-Q8_0.gguf"


def test_a_half_fetched_split_model_does_not_hide_a_whole_one(home: Path) -> None:
    parts = [f"Q4_0/big-Q4_0-0000{part}-of-00002.gguf" for part in (1, 2)]
    old = fetched(home, "maker/Big-GGUF", "aaa", *parts, at=1000)
    fetched(home, "maker/Big-GGUF", "bbb", parts[0], at=2000)
    (found,) = (found for found in list_models() if found.reference != "starter")
    assert found.path == old / parts[0]


@pytest.mark.parametrize("place", ["snapshots/aaa/gone-Q4_0.gguf", "snapshots/zzz", "snapshots/aaa/Q8_0"])
def test_a_dangling_link_costs_one_entry(home: Path, place: str) -> None:
    good = fetched(home, "maker/Small-GGUF", "aaa", "small-Q8_0.gguf", at=1000)
    (home / ".cache/huggingface/hub/models--maker--Small-GGUF" / place).symlink_to("/nowhere/at/all")
    assert listed() == [("hf.co/maker/Small-GGUF:Q8_0", good / "small-Q8_0.gguf")]


def test_dangling_repositories_and_loops_cost_nothing_else(home: Path, tmp_path: Path) -> None:
    good = fetched(home, "maker/Small-GGUF", "aaa", "small-Q8_0.gguf", at=1000)
    hub = home / ".cache/huggingface/hub"
    (hub / "models--gone--Away-GGUF").symlink_to("/nowhere")
    (hub / "models--odd").mkdir()
    (hub / "version.txt").write_text("1")
    (hub / "models--a--File-GGUF").write_text("x")
    (good / "round").symlink_to(good)
    (good / "loop").symlink_to(good / "loop")
    assert listed() == [("hf.co/maker/Small-GGUF:Q8_0", good / "small-Q8_0.gguf")]


def test_llama_cpps_cache_is_looked_into(home: Path) -> None:
    file = write(home / ".cache/llama.cpp/ggml-org_tiny-GGUF_tiny-Q4_0.gguf")
    assert listed() == [("ggml-org_tiny-GGUF_tiny-Q4_0", file)]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["config.json", "model.safetensors"], "it holds safetensors, as transformers and MLX take"),
        (["model.safetensors.index.json"], "it holds safetensors"),
        (["b.gguf", "a.GGUF", "model.safetensors"], "name a model in it, such as .*a.GGUF"),
        (["notes.txt"], "is a folder; name a GGUF file"),
        ([], "is a folder; name a GGUF file"),
    ],
)
def test_a_folder_is_named_for_what_is_in_it(tmp_path: Path, names: list[str], said: str) -> None:
    for name in names:
        (tmp_path / "here" / name).write_text("x")
    with pytest.raises(ModelError, match=said):
        find_model(str(tmp_path / "here"))


# --- LM Studio ------------------------------------------------------------------------------------------------------


def test_lm_studios_home_and_its_folder_can_be_elsewhere(home: Path, tmp_path: Path) -> None:
    (home / ".lmstudio").mkdir(parents=True)
    (home / ".lmstudio-home-pointer").write_text(f"{tmp_path / 'studio'}\n")
    (home / ".lmstudio/settings.json").write_text(json.dumps({"downloadsFolder": str(tmp_path / "disk"), "x": [1]}))
    files = [write(tmp_path / "studio/models/u/r/a-Q4_0.gguf"), write(tmp_path / "disk/u/s/b-Q8_0.gguf")]
    assert listed() == [("hf.co/u/r:Q4_0", files[0]), ("hf.co/u/s:Q8_0", files[1])]


@pytest.mark.parametrize("text", ["{", "[]", '{"downloadsFolder": 3}', '{"downloadsFolder": "~nobody-such/x"}', ""])
def test_odd_settings_of_lm_studio_cost_nothing_else(home: Path, text: str) -> None:
    file = write(home / ".lmstudio/models/u/r/a-Q4_0.gguf")
    (home / ".lmstudio/settings.json").write_text(text)
    (home / ".lmstudio-home-pointer").write_text(text)
    assert listed() == [("hf.co/u/r:Q4_0", file)]


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["a b.gguf", "a,b=c.gguf", "starter.gguf", "x/y/z.gguf", "my models/re po/z.gguf", "deep/er/still/z.gguf",
     "hf.co-like.gguf", "ollama:x.gguf", "A.GGUF", "modèle.gguf", "u--s/r/z.gguf", "loose-Q4_K_M.gguf"],
)  # fmt: skip
def test_every_file_of_a_folder_can_be_named(tmp_path: Path, name: str) -> None:
    file = write(tmp_path / "models" / name)
    assert [path for _, path in listed()] == [file]


def test_files_of_one_name_are_told_apart(tmp_path: Path, home: Path) -> None:
    paths = [write(tmp_path / "models" / "z.gguf"), write(tmp_path / "models" / "u" / "r" / "z.gguf")]
    paths += [write(home / ".lmstudio/models/u/r/z.gguf"), write(home / ".lmstudio/models/z.gguf")]
    assert sorted(path for _, path in listed()) == sorted(paths)


def test_a_name_that_cannot_be_typed_is_said(tmp_path: Path) -> None:
    write(tmp_path / "models" / os.fsdecode(b"\xff.gguf"))
    write(tmp_path / "models" / "a\nb.gguf")
    faults: list[str] = []
    assert listed(faults) == []
    assert [fault.endswith("has a name that cannot be typed; rename it.") for fault in faults] == [True, True]


def test_what_macos_leaves_on_a_foreign_disk_is_no_model(tmp_path: Path) -> None:
    file = write(tmp_path / "models" / "z.gguf")
    (tmp_path / "models" / "._z.gguf").write_bytes(b"\0\5\x16\7")
    assert listed() == [("z", file)]


def test_a_folder_that_is_a_link_is_looked_into(tmp_path: Path) -> None:
    file = write(tmp_path / "disk" / "r" / "z-Q4_0.gguf")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "u").symlink_to(tmp_path / "disk")
    assert [path.resolve() for _, path in listed()] == [file]


def test_a_manifest_says_the_digest_it_means(store: Path) -> None:
    keep(store, parts={"system": "x"})
    manifest = json.loads((store / "manifests" / LIBRARY / "pirate/latest").read_text())
    assert manifest["layers"][1]["digest"] == blob(store, "x")


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ELOOP, errno.ENODEV, errno.EACCES])
def test_a_disk_that_does_not_answer_costs_what_is_on_it(
    home: Path, store: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    kept = keep(store)
    write(home / ".lmstudio/models/u/r/z.gguf")
    scandir = os.scandir

    def ailing(path: str) -> Any:
        if ".lmstudio" in os.fspath(path):
            raise OSError(number, os.strerror(number), os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", ailing)
    faults: list[str] = []
    assert listed(faults) == [("ollama:pirate:latest", kept)]
    assert faults == [f"{str(home / '.lmstudio/models')!r} cannot be looked into: {os.strerror(number)}."]
