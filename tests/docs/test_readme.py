"""The README says what is so."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

from tui.knobs.table import KNOBS
from tui.presets.library import list_presets
from tui.prompt_line.commands import parse_command

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_first_block_is_the_two_commands() -> None:
    blocks = re.findall(r"```\w*\n(.*?)```", README, re.DOTALL)
    assert blocks[0] == "pip install uv && uv run twiddle\npip install uv && uv run pytest\n"


@pytest.mark.parametrize("page", ["README.md", "docs/sampling.md"])
def test_its_knobs_are_the_programs(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    spec = importlib.util.spec_from_file_location("docs_knobs", ROOT / "docs" / "knobs.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.filled(text) == text, "run: uv run python docs/knobs.py"
    assert all(f"| `{name}` |" in text for name in KNOBS)


def test_it_names_every_preset() -> None:
    for preset in list_presets():
        assert f"`{preset.name}`" in README


def test_its_slash_commands_are_understood() -> None:
    (line,) = [part for part in README.split("\n\n") if part.startswith("A slash in the prompt")]
    commands = re.findall(r"`(/[^`]+)`", line)
    assert commands
    for command in commands:
        parse_command(command)


def test_its_pictures_are_there() -> None:
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", README)
    assert len(pictures) >= 2
    assert all((ROOT / picture).is_file() for picture in pictures)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/sampling.md"])
def test_the_files_it_names_are_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`((?:tui/|tests/|docs/|engine/|store/|session/|conversation/|presets/|ui/)[\w/]+\.py)`", text)
    missing = [name for name in named if not (ROOT / name).exists() and not (ROOT / "tui" / name).exists()]
    assert not missing


def test_every_room_has_its_layer() -> None:
    """import-linter says nothing of a package that no contract names."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = {name for layer in contracts[0]["layers"] for name in layer.split(" : ")}
    parts = [path for folder in ("tui", "tui/engine") for path in (ROOT / folder).iterdir()]
    modules = {path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for path in parts}
    assert modules - layers == {"tui.__init__", "tui.__main__", "tui.engine", "tui.engine.__init__"} | {
        name for name in modules if name.endswith("__pycache__")
    }
