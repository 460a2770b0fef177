"""Places that are closed: each costs what is in it, and nothing else."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.closed import closed
from tests.engine.scripted import Script
from tests.gguf import write
from tests.ollama_store import LIBRARY, keep
from tui import paths
from tui.cli.doctor import _places
from tui.models.locations import list_models
from tui.models.ollama import list_ollama
from tui.models.reference import STARTER, find_model
from tui.presets.library import list_presets
from tui.prompt_line.attachments import complete_path, gather, list_mentioned
from tui.prompt_line.completion import read_sources
from tui.prompt_line.history import add_sent, read_sent

FOLDERS = (
    ".lmstudio/models", ".cache/lm-studio/models", ".cache/huggingface/hub", ".cache/llama.cpp", ".cache",
    ".ollama/models", ".ollama", ".config/twiddle/Modelfiles", ".config/twiddle/themes", ".config/twiddle", ".config",
    ".local/share/twiddle/models", ".local/share/twiddle", ".local/state/twiddle", ".local",
)  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith(("XDG_", "HF_", "TWIDDLE_", "OLLAMA_", "LLAMA_CACHE", "HUGGINGFACE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    for folder in FOLDERS:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    write(tmp_path / ".lmstudio/models/u/r/studio.gguf")
    write(tmp_path / ".local/share/twiddle/models/own.gguf")
    keep(tmp_path / ".ollama/models")
    (tmp_path / ".config/twiddle/Modelfiles/mine.Modelfile").write_text("FROM starter\n")
    return tmp_path


def references(faults: list[str] | None = None) -> set[str]:
    return {found.reference for found in list_models(faults)}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_closed_folder_costs_what_is_in_it_and_no_list_ends(home: Path, folder: str) -> None:
    whole = references()
    assert {"starter", "own", "ollama:pirate:latest"} < whole
    faults: list[str] = []
    with closed(home / folder):
        there = references(faults)
        presets = {preset.name for preset in list_presets(faults)}
        stock = read_sources()
        findings = [finding for finding in _places() if finding.mark == "note"]
    inside = {".lmstudio/models": "hf.co/u/r:studio.gguf", ".ollama/models": "ollama:pirate:latest", ".ollama":
              "ollama:pirate:latest", ".local/share/twiddle/models": "own", ".local/share/twiddle": "own",
              ".local": "own"}  # fmt: skip
    assert there == whole - {inside.get(folder)}
    assert ("mine" in presets) == (not folder.startswith(".config") or folder.endswith("themes"))
    assert {"default", "precise"} < presets
    assert {name for name, _ in stock.models} == there
    if folder in inside or folder.endswith(("Modelfiles", "hub")):
        assert "Permission denied" in faults[0]
    unread = folder.startswith((".cache/l", ".config/twiddle/")) or folder.endswith("hub")
    assert findings or unread


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize(
    "words", [("models", "list"), ("presets", "list"), ("presets", "show", "default"), ("presets", "check", "precise")]
)
def test_no_command_ends_for_a_closed_folder(home: Path, folder: str, words: tuple[str, ...], twiddle: Command) -> None:
    with closed(home / folder):
        assert twiddle(*words).code == 0


@pytest.mark.parametrize("folder", [".config", ".local", ".cache"])
def test_a_reply_is_written_whatever_is_closed(
    home: Path, folder: str, twiddle: Command, scripted: Callable[..., None]
) -> None:
    scripted(Script(replies=("So.",)))
    with closed(home / folder):
        assert twiddle("run", "Why?").out == "So.\n"


def test_a_closed_service_costs_its_models(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = tmp_path / "usr/share/ollama/.ollama/models"
    keep(service, f"{LIBRARY}/served/latest")
    monkeypatch.setattr("tui.models.ollama.SYSTEM_STORES", (service,))
    faults: list[str] = []
    with closed(tmp_path / "usr/share/ollama"):
        assert [reference for reference, _ in list_ollama(faults)] == ["ollama:pirate:latest"]
    assert faults == [f"{str(service / 'manifests')!r} cannot be looked into: Permission denied."]


@pytest.mark.parametrize("part", ["blobs", f"manifests/{LIBRARY}/pirate/latest", f"manifests/{LIBRARY}/pirate"])
def test_a_closed_part_of_a_store_is_said(home: Path, part: str) -> None:
    other = home / ".ollama/models/manifests" / LIBRARY / "cloudy/1b-cloud"
    keep(home / ".ollama/models", f"{LIBRARY}/cloudy/1b-cloud", model=None)
    faults: list[str] = []
    with closed(home / ".ollama/models" / part):
        assert list(list_ollama(faults)) == []
    assert other.exists()
    assert any("Permission denied" in fault for fault in faults)


def test_a_closed_file_beside_others_costs_itself(home: Path, tmp_path: Path) -> None:
    write(tmp_path / ".local/share/twiddle/models/shut.gguf")
    write(tmp_path / ".local/share/twiddle/models/away/r/z.gguf")
    with closed(tmp_path / ".local/share/twiddle/models/shut.gguf", tmp_path / ".local/share/twiddle/models/away"):
        assert "own" in references()


def test_mentioned_files_in_closed_folders_cost_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "shut"
    folder.mkdir()
    (folder / "a.txt").write_text("x")
    with closed(folder):
        assert complete_path(f"look at @{folder}/") is None
        assert complete_path(f"look at @{folder}/a") is None
        assert list_mentioned(f"@{folder}/a.txt") == ()
        gathered = gather(f"@{folder}/a.txt")
    assert gathered.faults == (f"{str(folder / 'a.txt')!r} cannot be read: Permission denied.",)


def test_a_closed_history_of_prompts_costs_the_history(tmp_path: Path) -> None:
    file = tmp_path / "state" / "prompts.jsonl"
    add_sent(file, "one")
    with closed(file.parent):
        add_sent(file, "two")
        assert read_sent(file) == []
    assert read_sent(file) == ["one"]


# --- no home --------------------------------------------------------------------------------------------------------


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """No HOME, and a number that no name belongs to."""

    def unknown(number: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", unknown)


@pytest.mark.usefixtures("homeless")
def test_without_a_home_every_folder_is_one_that_is_not_there() -> None:
    for folder in (paths.home_dir(), paths.config_dir(), paths.data_dir(), paths.state_dir(), paths.log_dir()):
        assert folder.is_relative_to(paths.NO_HOME)
    assert references() >= {"starter"}
    assert find_model(STARTER)
    assert {finding.about for finding in _places() if finding.mark == "note"} >= {"home"}


@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize("words", [("models", "list"), ("presets", "list"), ("presets", "show", "precise")])
def test_without_a_home_commands_work(twiddle: Command, words: tuple[str, ...]) -> None:
    assert twiddle(*words).code == 0


@pytest.mark.usefixtures("homeless")
def test_without_a_home_a_reply_is_written(twiddle: Command, scripted: Callable[..., None]) -> None:
    scripted(Script(replies=("So.",)))
    assert twiddle("run", "Why?").out == "So.\n"


@pytest.mark.model
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can become somebody unknown")
@pytest.mark.parametrize("words", [("models", "list"), ("run", "num_predict=2", "Hi"), ("presets", "list")])
def test_an_unknown_number_without_a_home_who_can_write_nowhere(tmp_path: Path, words: tuple[str, ...]) -> None:
    # It may read everything, since the Python of these tests can be in the home of root.
    power = "+dac_read_search"
    unknown = ["setpriv", "--reuid", "4242", "--clear-groups", "--inh-caps", power, "--ambient-caps", power]
    program = [*unknown, str(Path(sys.executable).with_name("twiddle")), *words]
    tmp_path.chmod(0o755)
    done = subprocess.run(
        program, env={"PATH": os.environ["PATH"]}, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if "setpriv" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_a_working_directory_that_was_removed_costs_relative_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, twiddle: Command
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert twiddle("models", "info", "own").code == 0
    assert "There is no model file" in twiddle("models", "info", "./own.gguf").err
