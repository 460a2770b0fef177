"""Where files live."""

import os
from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).parent


def config_dir() -> Path:
    """The person's config.toml, presets and themes live here."""
    return Path(platformdirs.user_config_dir("twiddle", appauthor=False))


def log_dir() -> Path:
    """The engine's last words."""
    return Path(platformdirs.user_log_dir("twiddle", appauthor=False))


def state_dir() -> Path:
    """What twiddle remembers of the last time, such as the theme that was picked."""
    return Path(platformdirs.user_state_dir("twiddle", appauthor=False))


def sent_file() -> Path:
    """The prompts that were sent."""
    return state_dir() / "prompts.jsonl"


def history_path() -> Path:
    """The conversations: TWIDDLE_HISTORY, or a file among the person's data."""
    chosen = os.environ.get("TWIDDLE_HISTORY")
    return Path(chosen).expanduser() if chosen else data_dir() / "history.db"


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for nobody else to look into; raises OSError."""
    for above in reversed(folder.parents):
        if not above.exists():
            above.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def data_dir() -> Path:
    """The history and the models, unless they are told to live elsewhere."""
    return Path(platformdirs.user_data_dir("twiddle", appauthor=False))


def models_dir() -> Path:
    """Where `twiddle models pull` puts models: TWIDDLE_MODELS, or a folder among the person's data."""
    chosen = os.environ.get("TWIDDLE_MODELS")
    return Path(chosen).expanduser() if chosen else data_dir() / "models"


def shipped(folder: str) -> Path:
    """A folder that ships with twiddle: inside the installed package, or beside it in a checkout."""
    packaged = _PACKAGE / "share" / folder
    return packaged if packaged.is_dir() else _PACKAGE.parent / folder


def preset_dirs() -> tuple[Path, ...]:
    """Where presets are looked for, the person's own first."""
    return (config_dir() / "Modelfiles", shipped("Modelfiles"))


def theme_dirs() -> tuple[Path, ...]:
    """Where themes are looked for, the shipped ones first so that the person's own replace them."""
    return (shipped("themes"), config_dir() / "themes")
