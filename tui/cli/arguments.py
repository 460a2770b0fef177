"""Arguments and options that several commands share, and how they are read."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tui.config import LoadedConfig, read_config
from tui.errors import TwiddleError, did_you_mean
from tui.knobs.setting import Setting, is_override, parse_setting
from tui.paths import decode_text, expand, is_there, list_folder, theme_dirs
from tui.presets.library import ResolvedSetting, list_presets, resolve

SETTING_HELP = "PRESET, PRESET,knob=value,... or knob=value,...; a PRESET is a name or the path of a Modelfile or GGUF."

ThemeName = Annotated[
    str | None, typer.Option("--theme", metavar="NAME", help="Colour theme; Ctrl+P in the chat lists them.")
]


class UsageError(TwiddleError):
    """Raised for wrong usage of a command; exit code 2, as for an unknown option."""


def check_encoding(words: Sequence[str]) -> None:
    """Raise UsageError for an argument that is not UTF-8, for whose bytes Python has lone surrogates."""
    for place, word in enumerate(words, 1):
        try:
            word.encode()
        except UnicodeEncodeError as error:
            byte, shown = ord(word[error.start]) & 0xFF, word.encode("utf-8", "replace").decode()
            raise UsageError(
                f"Argument {place}, {shown!r}, is not UTF-8 (byte 0x{byte:02X}); "
                "set the terminal to UTF-8, or rename the file that it names."
            ) from None


def choose(setting: str | None) -> tuple[ResolvedSetting, Path]:
    """Resolve a SETTING and find its model file; raises TwiddleError for anything that prevents a chat."""
    return with_model(resolve(parse_setting(setting) if setting is not None else Setting()))


def with_model(chosen: ResolvedSetting) -> tuple[ResolvedSetting, Path]:
    """Return a resolved setting with its model file; raises ModelError."""
    return chosen, chosen.preset.find_model()


def load_config(theme: str | None = None) -> LoadedConfig:
    """Read config.toml with the options typed; raises UsageError for an unknown theme."""
    names = {path.stem for folder in theme_dirs() for path in list_folder(folder) if path.suffix == ".toml"}
    if theme is not None and theme not in names:
        listed = ", ".join(sorted(names))
        raise UsageError(f"There is no theme {theme!r}.{did_you_mean(theme, names)} There are {listed}.")
    return read_config(theme=theme)


def reads_as_setting(word: str) -> bool:
    """Return True if a lone argument of `twiddle run` is a SETTING and not the prompt.

    It is when it names a preset or a file, or has no blank in it and ends in knob=value or in the name of a model file.
    """
    if any(word == preset.name for preset in list_presets()):
        return True
    if word.endswith((".gguf", ".Modelfile")):
        return is_there(expand(word) or Path(word)) or not _has_blank(word)
    return is_override(word.split(",")[-1]) and not _has_blank(word)


def _has_blank(word: str) -> bool:
    return any(map(str.isspace, word))


def read_prompt(prompt: str | None) -> str:
    """Return the prompt followed by piped input; raises UsageError when there is neither."""
    parts = [part for part in (prompt or "", _piped()) if part.strip()]
    if not parts:
        raise UsageError('There is no prompt; write one, such as `twiddle run "Why is the sky blue?"`, or pipe it in.')
    return "\n\n".join(parts)


def _piped() -> str:
    # Python sets stdin to None when the shell closed it.
    if sys.stdin is None or sys.stdin.isatty():
        return ""
    return decode_text(sys.stdin.buffer.read(), "replace").rstrip("\n")


def require_screen(instead: str) -> None:
    """Raise UsageError, naming what works without one, unless there is a terminal to draw on."""
    if os.environ.get("TERM") == "dumb":
        raise UsageError(f"The screen cannot be drawn with TERM=dumb; use `{instead}`.")
    # Textual draws on stderr.
    for name, stream in (("stdin", sys.stdin), ("stdout", sys.stdout), ("stderr", sys.stderr)):
        if stream is None or not stream.isatty():
            raise UsageError(f"The screen needs a terminal and {name} is not one; use `{instead}`.")
