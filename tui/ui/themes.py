"""Themes: palettes read from TOML files, shipped and the person's own through one loader.

Textual takes any text for a colour and fails when the theme is switched on, so every colour is read here first.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.color import Color, ColorParseError
from textual.css.constants import VALID_STYLE_FLAGS
from textual.theme import Theme

from tui import paths
from tui.errors import TwiddleError, did_you_mean
from tui.paths import decode_text, list_folder
from tui.presets.preset_paths import FileStamp, stamped
from tui.terminal import safe_line

DEFAULT, LIGHT = "twiddle-dark", "twiddle-light"
"""Themes for those who chose none: for a dark terminal, and for a light one."""

COLORS = (
    "primary", "secondary", "accent", "foreground", "background", "surface", "panel", "boost", "success", "warning",
    "error",
)  # fmt: skip
"""Base colours, from which all others are derived."""

_SWITCHES = ("dark", "ansi")
# Variables that Textual's own style sheets name but that it leaves out of an ansi theme.
_ANSI_GAPS = {
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    "foreground-disabled": "ansi_default",
    "surface-active": "transparent",
}
_PERCENTAGE = re.compile(r"\s+\d{1,3}(\.\d+)?%")


class ThemeError(TwiddleError):
    """Error in a theme file."""


@dataclass(frozen=True)
class ThemeLoad:
    """Themes that were read, and a sentence for each file with an error."""

    themes: tuple[Theme, ...]
    failures: tuple[str, ...]


class ThemeFiles:
    """Theme files of some folders, by default the shipped one and the user's; of one name the later wins."""

    def __init__(self, folders: Iterable[Path] | None = None) -> None:
        self._folders = tuple(paths.theme_dirs() if folders is None else folders)
        self._seen: dict[str, tuple[FileStamp, ...]] = {}

    def changed(self) -> ThemeLoad:
        """Return the themes that are new or changed since the last call; a file with an error gives a sentence only."""
        themes: list[Theme] = []
        failures: list[str] = []
        for name, files in self._by_name().items():
            stamps = tuple(map(stamped, files))
            if stamps == self._seen.get(name):
                continue
            known = name in self._seen
            self._seen[name] = stamps
            for path in files:
                try:
                    themes.append(read_theme(path))
                    break
                except ThemeError as error:
                    failures.append(str(error))
                if known:  # the last good colours stay
                    break
        return ThemeLoad(tuple(themes), tuple(failures))

    def _by_name(self) -> dict[str, list[Path]]:
        files: dict[str, list[Path]] = {}
        for folder in self._folders:
            for path in list_folder(folder):
                if path.suffix == ".toml":
                    files.setdefault(path.stem, []).insert(0, path)
        return files


def load_themes(folders: Iterable[Path] | None = None) -> ThemeLoad:
    """Return every theme in these folders."""
    return ThemeFiles(folders).changed()


def read_theme(path: Path) -> Theme:
    """Return the theme in a file, named after the file; raises ThemeError."""
    if "[" in path.stem or safe_line(path.stem) != path.stem:  # Textual's palette reads the name as markup
        raise _failure(path, "its name cannot be shown", "rename it, to such as my-theme.toml")
    try:
        palette = tomllib.loads(decode_text(path.read_bytes()))
    except OSError as error:
        raise _failure(path, f"it cannot be read ({error.strerror})", "check the file") from error
    except UnicodeDecodeError as error:
        raise _failure(path, "it is not UTF-8 text", "save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise _failure(path, f"it is not TOML ({error})", "mend that line") from error
    variables = palette.pop("variables", {})
    _check_palette(path, palette)
    theme = Theme(name=path.stem, **palette)
    if theme.ansi:
        theme.variables.update(_ANSI_GAPS)
    _check_variables(path, variables, theme.to_color_system().generate())
    theme.variables.update(variables)
    return theme


def _check_palette(path: Path, palette: dict[str, Any]) -> None:
    if "primary" not in palette:
        raise _failure(path, "it has no primary colour", 'add a line such as primary = "teal"')
    for name, value in palette.items():
        if name in _SWITCHES:
            if not isinstance(value, bool):
                raise _failure(path, f"{name} is {value!r}", "write true or false")
        elif name not in COLORS:
            raise _failure(path, f"there is no colour {name!r}.{did_you_mean(name, COLORS)}", "remove or rename it")
        elif not _is_color(value):
            raise _failure(path, f"{name} is {value!r}, not a colour", 'write it as "#rrggbb"')


def _check_variables(path: Path, variables: Any, known: dict[str, str]) -> None:
    if not isinstance(variables, dict):
        raise _failure(path, "variables is not a table", "write [variables] above them")
    for name, value in variables.items():
        if name not in known:
            raise _failure(path, f"there is no variable {name!r}.{did_you_mean(name, known)}", "remove or rename it")
        if name.endswith("-style"):
            if not isinstance(value, str) or not set(value.split()) <= VALID_STYLE_FLAGS:
                raise _failure(path, f"{name} is {value!r}, not a text style", 'write "bold", "underline" or "none"')
        elif not _is_color(_PERCENTAGE.sub("", value) if isinstance(value, str) else value):
            raise _failure(path, f"{name} is {value!r}, not a colour", 'write it as "#rrggbb" or "#rrggbb 50%"')


def _is_color(value: object) -> bool:
    if value == "auto":
        return True
    try:
        return isinstance(value, str) and Color.parse(value) is not None
    except ColorParseError:
        return False


def _failure(path: Path, what: str, remedy: str) -> ThemeError:
    return ThemeError(safe_line(f"Theme {path}: {what}; {remedy}."))
