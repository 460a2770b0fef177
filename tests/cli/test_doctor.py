"""`twiddle doctor`."""

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tui.cli import doctor
from tui.config import config_path
from tui.engine.hardware import Device, Machine
from tui.engine.loaded_model import ModelInfo
from tui.errors import ModelError


@pytest.mark.model
def test_it_says_what_works(twiddle: Command, starter: Path) -> None:
    code, out, err = twiddle("doctor")
    assert (code, err) == (0, "")
    found = {line.split()[1]: line for line in out.splitlines()}
    assert found.keys() >= {
        "twiddle", "packages", "engine", "device", "GPU", "starter", "layers", "threads", "screen", "presets", "logs",
    }  # fmt: skip
    assert all(line.split()[0] in ("ok", "note") for line in found.values())
    assert str(starter) in found["starter"]
    assert "twiddle run" in found["screen"]
    assert re.search(r"31 on \w+.* flash attention$", found["layers"])
    assert re.search(r"\d+ to generate.* and \d+ to read prompts; num_thread sets both\.$", found["threads"])


def test_it_says_how_to_get_what_is_missing(twiddle: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(reference: str) -> Path:
        raise ModelError("The starter model is not installed; `uv run twiddle` brings it.")

    monkeypatch.setattr(doctor, "find_model", missing)
    code, out, _ = twiddle("doctor")
    assert code == 1
    assert "fail  starter   The starter model is not installed; `uv run twiddle` brings it." in out.splitlines()


CARD = Device("CUDA0", "A card", "GPU", 6 * 2**30, 8 * 2**30)


def report(machine: Machine) -> list[str]:
    return [f"{found.mark} {found.about}: {found.says}" for found in doctor._engine(machine)]


def test_a_gpu_is_shown_with_its_memory() -> None:
    _, device, gpu = report(Machine("0.3.36", "CUDA : ARCHS = 900", True, 8, (CARD,)))
    assert device == "ok device: CUDA0 (GPU): A card, 6.0 of 8.0 GiB free"
    assert gpu.startswith("ok GPU: layers can go there")


@pytest.mark.parametrize(
    ("platform", "system", "advice"),
    [
        ("linux", "CPU : AVX2 = 1", "this build knows no GPU; for CUDA, build it again: CMAKE_ARGS=-DGGML_CUDA=on uv"),
        ("darwin", "CPU : NEON = 1", "this build knows no GPU; for Metal, build it again: CMAKE_ARGS=-DGGML_METAL=on"),
        ("linux", "CUDA : ARCHS = 900", "this build is made for CUDA and found no GPU; look at its driver"),
    ],
)
def test_without_a_gpu_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, platform: str, system: str, advice: str
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    assert report(Machine("0.3.36", system, False, 8, ()))[-1].startswith(f"note GPU: {advice}")


@pytest.mark.parametrize(
    ("gpu_layers", "devices", "said"),
    [
        (0, ("CPU",), "31 on CPU, without flash attention"),
        (12, ("CUDA0", "CPU"), "31 on CUDA0 and CPU, 12 of them offloaded, without flash attention"),
    ],
)
def test_it_says_where_the_layers_are(gpu_layers: int, devices: tuple[str, ...], said: str) -> None:
    info = ModelInfo("", "", "", 0, 0, 0, layers=31, gpu_layers=gpu_layers, devices=devices)
    (layers,) = [found.says for found in doctor._starter(info) if found.about == "layers"]
    assert layers == said


def test_it_names_the_config_and_its_faults() -> None:
    path = config_path()
    [settings] = doctor._settings()
    assert (settings.mark, settings.says) == ("ok", f"in {path}, optional, not there")
    path.parent.mkdir(parents=True)
    path.write_text('theem = "paper"\n[keys]\n"chat.nwe" = "f9"')
    marks = [finding.mark for finding in doctor._settings()]
    assert marks == ["ok", "note", "note"]
