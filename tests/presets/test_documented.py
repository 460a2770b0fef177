"""A Modelfile of each shape that Ollama's documentation shows opens as it is."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tui.knobs.table import Knobs, turn
from tui.presets.preset import Preset, anchored, compose, read_preset
from tui.presets.serialize import write_preset

FOLDER = Path(__file__).parent / "modelfiles"

SAID: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "adapter": ("<base model name>", {"lora": ("/path/to/safetensors/adapter/directory",)}, {}),
    "adapter-gguf": ("llama3.2", {"lora": (str(FOLDER / "ollama-lora.gguf"),)}, {}),
    "character": ("llama3.2", {"temperature": 1.0, "num_ctx": 4096}, {
        "system": "You are Captain Nemo from Twenty Thousand Leagues Under the Sea, acting as an assistant."}),
    "directory": ("/path/to/safetensors/directory", {}, {}),
    "engines": ("qwen3-coder", {}, {}),
    "gguf": ("./vicuna-33b.Q4_0.gguf", {}, {}),
    "license": ("llama3.2", {}, {}),
    "lower-case": ("llama3.2", {"temperature": 0.5, "stop": ("\n",)}, {"system": "You are brief."}),
    "messages": ("llama3.2", {}, {}),
    "multiline": ("llama3.2", {}, {
        "system": '\nYou are a code reviewer.\n\n- Say what is wrong.\n- Say "fine" when nothing is.\n'}),
    "old-parameters": ("llama2:13b", {"num_gpu": 50, "num_keep": 24, "num_thread": 8}, {}),
    "parameters": ("llama3.2", {
        "num_ctx": 4096, "repeat_penalty": 1.1, "temperature": 0.7, "seed": 42, "stop": ("AI assistant:",),
        "num_predict": 42, "top_p": 0.9}, {}),
    "requires": ("llama3.2", {}, {}),
    "shown": ("/var/lib/models/blobs/sha256-00e1317cbf74d901080d7100f57580ba8dd8de57203072dc6f668324ba545f29", {
        "stop": ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|reserved_special_token")}, {}),
    "template": ("./model.gguf", {}, {"system": "<system message>"}),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.iterdir()))
def test_it_opens_unmodified(name: str) -> None:
    model, knobs, parts = SAID[name]
    preset = read_preset(FOLDER / f"{name}.Modelfile")
    assert preset.model == model
    assert preset.knobs == turn(Knobs(), **knobs)
    assert {part: getattr(preset, part) for part in parts} == parts


@pytest.mark.parametrize("name", sorted(SAID))
def test_it_is_written_back(name: str) -> None:
    def bare(preset: Preset) -> Preset:
        return replace(preset, notes=(), files=())

    preset = read_preset(FOLDER / f"{name}.Modelfile")
    path = FOLDER / f"{name}.Modelfile"
    assert bare(compose(write_preset(preset), path)) == bare(preset)
    assert compose(write_preset(anchored(preset)), path).knobs == preset.knobs


def test_messages_and_templates_are_whole() -> None:
    assert [message.content for message in read_preset(FOLDER / "messages.Modelfile").messages][::2] == [
        "Is Toronto in Canada?", "Is Sacramento in Canada?", "Is Ontario in Canada?",
    ]  # fmt: skip
    template = read_preset(FOLDER / "template.Modelfile").template
    assert template and template.startswith("{{ if .System }}<|im_start|>system\n") and template.endswith("assistant\n")
