"""A census: hostile text goes through every command on a terminal, and what is written acts on nothing.

Covers T01 to T13, T16 to T20 and T31 of the fault list for the command line; `tests/ui/test_census.py` for the screen.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
import typer

from tests.engine.ggufs import write_llama
from tests.engine.scripted import Script
from tests.store.pages import keep
from tests.ui.stream import LINES, acting
from tests.ui.test_hostile import BIDI, HOSTILE, LINE, MARKUP, SEQUENCES
from tui.cli import app
from tui.paths import config_dir, history_path
from tui.store.store import Store

IN_TURN = """
import json, sys
from pathlib import Path
from tests.engine.scripted import serve_scripts
from tui.cli import main, replay
from tui.presets import preset
serve_scripts()
script, *lines = sys.argv[1:]
find_model = preset.find_model
replay.find_model = scripted = lambda reference, folder=None: Path(script)
for place, line in enumerate(lines):
    print(f"=== {place}", flush=True)
    sys.argv = ["twiddle", *json.loads(line)]
    preset.find_model = find_model if "export" in sys.argv else scripted  # an export names a model that is missing
    try:
        main()
    except SystemExit:
        pass
"""
"""Commands one after another; the model is a script."""

EVIL = "\x1b]0;t\x07[bold]x[!]\u202e"
SAID = f"{SEQUENCES}\n{BIDI}\n{MARKUP}\n"

ELSEWHERE = {"chat", "bench"}
"""The screen, and a command that prints figures alone."""
QUIET = {"replay", "history rename"}
"""Commands that have nothing to say of it."""
FOREIGN = ("␛", "[TODO]", "x[!]")
"""Every hostile text has one of these in it, once it is harmless."""


def commands(folder: Path) -> dict[str, tuple[str, ...]]:
    """Every command, given what is hostile."""
    evil, modelfile, file = (
        str(folder / f"{EVIL}.gguf"),
        str(folder / f"{EVIL}.Modelfile"),
        str(folder / f"{EVIL}.json"),
    )
    return {
        "run": ("run", "default", LINE),
        "compare": ("compare", "temperature=0", "temperature=2", "-p", LINE),
        "replay": ("replay", "2"),
        "doctor": ("doctor",),
        "history list": ("history", "list"),
        "history search": ("history", "search", "title"),
        "history show": ("history", "show", "1"),
        "history export": ("history", "export", "1"),
        "history export json": ("history", "export", "1", "--format", "json"),
        "history export html": ("history", "export", "1", "--format", "html"),
        "history import": ("history", "import", file),
        "history rename": ("history", "rename", "1", EVIL),
        "history backup": ("history", "backup", file),
        "history rm": ("history", "rm", "1"),
        "presets list": ("presets", "list"),
        "presets show": ("presets", "show", EVIL),
        "presets check": ("presets", "check"),
        "presets diff": ("presets", "diff", "default", EVIL),
        "presets parse": ("presets", "parse", modelfile),
        "presets new": ("presets", "new", EVIL),
        "presets edit": ("presets", "edit", modelfile),
        "presets save": ("presets", "save", EVIL, "default"),
        "presets export": ("presets", "export", "--ollama", EVIL),
        "presets render": ("presets", "render", modelfile),
        "models list": ("models", "list"),
        "models info": ("models", "info", str(folder / "[bold].gguf")),
        "models pull": ("models", "pull", evil),
        "no command": (EVIL,),
        "no option": ("run", f"--{EVIL}"),
        "too much": ("run", "a", "b", EVIL),
        "no theme": ("chat", "--theme", EVIL),
    }


def names(command: object, *before: str) -> Iterator[str]:
    """Every command that there is."""
    inside: dict[str, object] | None = getattr(command, "commands", None)
    if inside is None:
        yield " ".join(before)
    for name, each in (inside or {}).items():
        yield from names(each, *before, name)


@pytest.fixture
def hostile_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every file that commands read, as bad as it can be."""
    presets = config_dir() / "Modelfiles"
    presets.mkdir(parents=True)
    words = LINE.replace("\x1b\\", "\x1b")
    text = f'# {words}\nFROM starter\nPARAMETER stop "{MARKUP}"\nSYSTEM """{HOSTILE}"""\n'
    for path in (presets / f"{EVIL}.Modelfile", tmp_path / f"{EVIL}.Modelfile"):
        path.write_text(text)
    (presets / f"{EVIL}2.Modelfile").write_text(f"FROM starter\nPARAMETER {words}\n")
    (config_dir() / "config.toml").write_text('"\\u001b]0;t\\u0007" = 1\n')
    for name in (EVIL, "[bold]"):
        write_llama(tmp_path / f"{name}.gguf", 8, name=f"\x1b]0;gguf\x07{MARKUP}", template=SEQUENCES)
    (tmp_path / f"{EVIL}.json").write_text(LINE)
    monkeypatch.setenv("TWIDDLE_MODELS", str(tmp_path))
    monkeypatch.setenv("EDITOR", "true")
    store = Store(history_path())
    keep(store, f"\x1b]0;title\x07 {LINE}", HOSTILE)
    store.close()
    return tmp_path


def test_hostile_text_goes_through_every_command_and_acts_on_nothing(hostile_folder: Path) -> None:
    visits = commands(hostile_folder)
    assert set(names(typer.main.get_command(app))) - set(visits) == ELSEWHERE
    lines = [json.dumps(words) for words in visits.values()]
    program = ["-c", IN_TURN, Script(replies=(SAID,), context=16_384).path, *lines]
    child = pexpect.spawn(sys.executable, program, timeout=120, dimensions=(50, 200))
    child.expect("Remove for good")
    child.sendline("n")
    rest = child.before + child.read()
    assert acting(rest, LINES) == set()
    parts = re.split(r"=== \d+\r\n", rest.decode())[1:]
    told = {name for name, part in zip(visits, parts, strict=True) if any(mark in part for mark in FOREIGN)}
    assert set(visits) - told == QUIET


def test_t31_a_program_that_reads_the_reply_gets_its_bytes_and_no_colour(hostile_folder: Path) -> None:
    program = [sys.executable, "-c", IN_TURN, Script(replies=(SAID,), context=16_384).path]
    done = subprocess.run(
        [*program, json.dumps(["run", "default", "Hi"])], capture_output=True, env=None, stdin=subprocess.DEVNULL
    )
    assert done.stdout == b"=== 0\n" + SAID.encode() + b"\n"
    assert done.stderr.count(b"\n") == 1 and b"\x1b" not in done.stderr, "the fault in config.toml, in words"
