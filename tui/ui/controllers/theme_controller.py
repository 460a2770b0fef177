"""Which theme the app wears: the one asked for, else the last one picked, else what suits the terminal."""

from contextlib import suppress
from pathlib import Path

from textual.app import App
from textual.theme import Theme

from tui.errors import did_you_mean
from tui.paths import make_private, state_dir
from tui.terminal import safe_line
from tui.ui.themes import DEFAULT, LIGHT, ThemeFiles

LOOKS_EVERY = 1.0
"""Seconds between two looks at the theme files."""


class ThemeController:
    """Puts themes on an app, takes them from their files as those change, and remembers what the person picks."""

    def __init__(self, app: App[None], asked: str, dark: bool | None) -> None:
        """`asked` is the theme that was settled on, if any; `dark` is what is known of the terminal."""
        self._app, self._asked, self._dark = app, asked, dark
        self._files = ThemeFiles()
        self._worn = ""

    def open(self) -> None:
        """Put the first theme on, and begin to watch."""
        shelved = list(self._app.available_themes)
        self._look()
        self._worn = self._first()
        self._app.theme = self._worn
        for name in shelved:  # Textual's own: nobody has looked at ours in them
            self._app.unregister_theme(name)
        self._app.theme_changed_signal.subscribe(self._app, self._remember)
        self._app.set_interval(LOOKS_EVERY, self._look)

    def _first(self) -> str:
        themes = self._app.available_themes
        if self._asked in themes:
            return self._asked
        if self._asked:
            self._say(f"There is no theme {self._asked!r}.{did_you_mean(self._asked, themes)} Ctrl+P lists them.")
        picked = remembered()
        return picked if picked in themes else LIGHT if self._dark is False else DEFAULT

    def _look(self) -> None:
        changed = self._files.changed()
        for theme in changed.themes:
            self._app.register_theme(theme)
            if theme.name == self._worn:
                self._app.mutate_reactive(App.theme)  # the same name, in other colours
        for failure in changed.failures:
            self._say(failure)

    def _remember(self, theme: Theme) -> None:
        if theme.name == self._worn:
            return
        self._worn = theme.name
        try:
            make_private(_memory().parent)
            _memory().write_text(theme.name, encoding="utf-8")
        except OSError as error:
            self._say(f"The theme is on but not remembered: {_memory()} cannot be written ({error.strerror}).")
        if self._asked not in ("", theme.name):
            self._say(f"The next start takes {self._asked} again, as config.toml, TWIDDLE_THEME or --theme says.")

    def _say(self, sentence: str) -> None:
        self._app.notify(safe_line(sentence), title="Theme", severity="warning", markup=False)


def remembered() -> str:
    """The theme that was picked last; empty where none was."""
    with suppress(OSError, UnicodeDecodeError):
        return _memory().read_text(encoding="utf-8").strip()
    return ""


def _memory() -> Path:
    return state_dir() / "theme"
