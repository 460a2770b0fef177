"""Arguments and options that several commands share, and how they are read."""

import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from tui.cli.stderr import print_notice
from tui.config import Config, LoadedConfig, read_config
from tui.errors import KnobError, SettingError, TwiddleError, did_you_mean
from tui.knobs.setting import Setting, is_override
from tui.models.reference import STARTER, has_model, is_model_reference
from tui.paths import decode_text, list_folder, theme_dirs
from tui.presets.library import ResolvedSetting, has_preset, read_setting, resolve

SETTING_HELP = (
    "MODEL+PRESET,knob=value,... or any part of it. A PRESET is a name or the path of a Modelfile; a MODEL is starter, "
    "the path of a GGUF, hf.co/USER/REPO, ollama:NAME."
)

_ELSEWHERE = re.compile(
    r"(?i)\.gguf$|\.Modelfile$|^(?:https?://)?(?:hf\.co|huggingface\.co|ollama\.com)/|^(?:ollama|hf):"
)
"""Texts without a blank that name a model or a preset even where there is none."""

ThemeName = Annotated[
    str | None, typer.Option("--theme", metavar="NAME", help="Colour theme; Ctrl+P in the chat lists them.")
]

ModelName = Annotated[
    str | None,
    typer.Option("--model", "-m", metavar="MODEL", help="The model; default: the preset's, or config.toml's."),
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


def choose(setting: str | None, model: str | None = None, config: Config | None = None) -> tuple[ResolvedSetting, Path]:
    """Resolve a SETTING and find its model file; raises TwiddleError for anything that prevents a chat."""
    return with_model(resolved(setting, model, config))


def resolved(setting: str | None, model: str | None = None, config: Config | None = None) -> ResolvedSetting:
    """Resolve a SETTING with the --model typed, or with that of config.toml where nothing names one."""
    named = read_setting(setting) if setting is not None else Setting()
    if model is not None:
        named = with_typed(named, model)
    if config is None:
        config, faults = read_config()
        for fault in faults:
            print_notice(fault)
    return resolve(named, config.model or STARTER)


def with_typed(setting: Setting, model: str) -> Setting:
    """Return a setting with the --model typed; raises UsageError if it names a model itself."""
    alone = setting.preset and not has_preset(setting.preset) and is_model_reference(setting.preset)
    if setting.model or alone:
        raise UsageError(f"The setting {str(setting)!r} and --model {model!r} name two models; name one.")
    return replace(setting, model=model)


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

    It is when it names a preset or a model that is here, or has no blank in it and ends in knob=value or in the name
    of a model file, or names a model elsewhere.
    """
    with suppress(SettingError, KnobError):
        setting = read_setting(word)
        named = [name for name in (setting.preset, setting.model) if name]
        if any(has_preset(name) or has_model(name) for name in named):
            return True
    return not _has_blank(word) and (is_override(word.split(",")[-1]) or _ELSEWHERE.search(word) is not None)


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
