"""Theme of the app: the configured one, else the last one picked, else one for the terminal's background."""

from contextlib import suppress
from pathlib import Path

from textual.app import App
from textual.theme import Theme

from tui.errors import did_you_mean
from tui.paths import make_private, state_dir
from tui.terminal import safe_line
from tui.ui.themes import DEFAULT, LIGHT, ThemeFiles

RELOAD_INTERVAL = 1.0
"""Seconds between two reads of the theme files."""


class ThemeController:
    """Sets the theme of an app, reloads changed theme files, and saves the user's pick."""

    def __init__(self, app: App[None], configured: str, dark: bool | None) -> None:
        """Serve one app; `configured` is a theme's name or empty, `dark` True for a dark terminal, None if unknown."""
        self._app, self._configured, self._dark = app, configured, dark
        self._files = ThemeFiles()
        self._current = ""

    def open(self) -> None:
        """Set the first theme and watch the files."""
        textual_themes = list(self._app.available_themes)
        self._reload()
        self._current = self._first()
        self._app.theme = self._current
        for name in textual_themes:  # Textual's own: nobody has looked at ours in them
            self._app.unregister_theme(name)
        self._app.theme_changed_signal.subscribe(self._app, self._save_pick)
        self._app.set_interval(RELOAD_INTERVAL, self._reload)

    def _first(self) -> str:
        themes = self._app.available_themes
        if self._configured in themes:
            return self._configured
        if self._configured:
            self._notify(
                f"There is no theme {self._configured!r}.{did_you_mean(self._configured, themes)} Ctrl+P lists them."
            )
        picked = remembered()
        return picked if picked in themes else LIGHT if self._dark is False else DEFAULT

    def _reload(self) -> None:
        changed = self._files.changed()
        for theme in changed.themes:
            self._app.register_theme(theme)
            if theme.name == self._current:
                self._app.mutate_reactive(App.theme)  # the same name, in other colours
        for failure in changed.failures:
            self._notify(failure)

    def _save_pick(self, theme: Theme) -> None:
        if theme.name == self._current:
            return
        self._current = theme.name
        try:
            make_private(_pick_file().parent)
            _pick_file().write_text(theme.name, encoding="utf-8")
        except OSError as error:
            self._notify(f"The theme is on but not remembered: {_pick_file()} cannot be written ({error.strerror}).")
        if self._configured not in ("", theme.name):
            self._notify(
                f"The next start takes {self._configured} again, as config.toml, TWIDDLE_THEME or --theme says."
            )

    def _notify(self, sentence: str) -> None:
        self._app.notify(safe_line(sentence), title="Theme", severity="warning", markup=False)


def remembered() -> str:
    """Return the theme that was picked last, or an empty text."""
    with suppress(OSError, UnicodeDecodeError):
        return _pick_file().read_text(encoding="utf-8").strip()
    return ""


def _pick_file() -> Path:
    return state_dir() / "theme"
