"""Folders and files of twiddle, and the one way to read and to write a file.

Folders come from `platformdirs`; TWIDDLE_HISTORY and TWIDDLE_MODELS move the history and the models.
"""

import codecs
import os
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import platformdirs

_PACKAGE = Path(__file__).parent

NO_HOME = Path("/nonexistent")
"""Home folder of those who have none, by the custom of Debian."""


def config_dir() -> Path:
    """Return the folder of config.toml, of the person's own presets and of their themes."""
    return _own_dir(platformdirs.user_config_dir)


def data_dir() -> Path:
    """Return the folder of the history and of the models."""
    return _own_dir(platformdirs.user_data_dir)


def state_dir() -> Path:
    """Return the folder of what is remembered between runs: the theme picked last, the prompts sent."""
    return _own_dir(platformdirs.user_state_dir)


def log_dir() -> Path:
    """Return the folder of the engine's log and of crash reports."""
    return _own_dir(platformdirs.user_log_dir)


def home_dir() -> Path:
    """Return the person's home folder; where the system knows none, a folder that is not there."""
    return expand("~") or NO_HOME


def _own_dir(find: Callable[..., str]) -> Path:
    try:
        return Path(find("twiddle", appauthor=False))
    except RuntimeError:  # platformdirs knows no home folder
        return NO_HOME / "twiddle"


def history_path() -> Path:
    """Return the database of conversations: TWIDDLE_HISTORY, or history.db in the data folder."""
    chosen = os.environ.get("TWIDDLE_HISTORY")
    return (expand(chosen) or Path(chosen)) if chosen else data_dir() / "history.db"


def models_dir() -> Path:
    """Return the folder that `twiddle models pull` fills: TWIDDLE_MODELS, or models in the data folder."""
    chosen = os.environ.get("TWIDDLE_MODELS")
    return (expand(chosen) or Path(chosen)) if chosen else data_dir() / "models"


def sent_file() -> Path:
    """Return the file of the prompts sent, a line of JSON each."""
    return state_dir() / "prompts.jsonl"


def shipped(folder: str) -> Path:
    """Return a folder that ships with twiddle: inside the installed package, or beside it in a checkout."""
    packaged = _PACKAGE / "share" / folder
    return packaged if packaged.is_dir() else _PACKAGE.parent / folder


def preset_dirs() -> tuple[Path, ...]:
    """Return the folders of presets; the first one that has a name wins, so the person's own comes first."""
    return (config_dir() / "Modelfiles", shipped("Modelfiles"))


def theme_dirs() -> tuple[Path, ...]:
    """Return the folders of themes; later ones replace earlier ones, so the person's own comes last."""
    return (shipped("themes"), config_dir() / "themes")


# --- files ----------------------------------------------------------------------------------------------------------


class FileFault(Exception):
    """A file that cannot be read; the text is a sentence without its subject and full stop: `is a folder`."""


class FileMissing(FileFault):
    """A path that leads to nothing."""


def expand(path: str) -> Path | None:
    """Return the path with `~` and `~name` replaced by home folders; None when there is nobody of that name."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return None


def current_dir() -> Path:
    """Return the working directory; `.` where it was removed or is closed."""
    try:
        return Path.cwd()
    except OSError:
        return Path()


def list_folder(folder: Path, faults: list[str] | None = None) -> list[Path]:
    """Return what is in a folder, sorted; nothing where it is missing or closed, with a sentence in `faults`."""
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        note_closed(error, [] if faults is None else faults)
        return []


def note_closed(error: OSError, faults: list[str]) -> None:
    """Add a sentence about a place that cannot be read, unless there is none."""
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
        faults.append(f"{str(error.filename)!r} cannot be looked into: {error.strerror}.")


def is_file(path: Path) -> bool:
    """Return True if a regular file is there; False also for a closed folder and an impossible path."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long for any file, a NUL
        return False


def is_there(path: Path) -> bool:
    """Return True if there is something at the path; False also for a closed folder and an impossible path."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def open_regular(path: Path, advice: str = "") -> BinaryIO:
    """Open a regular file to read its bytes; raises FileFault, which ends in `advice` for a folder or a device."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            return path.open("rb")
    except OSError as error:
        kind = FileMissing if isinstance(error, FileNotFoundError) else FileFault
        raise kind(f"cannot be read: {error.strerror}") from None
    except ValueError:  # a NUL in the path
        raise FileFault("is no file name") from None
    # Opening a FIFO would wait for a writer that never comes.
    what = "a folder" if stat.S_ISDIR(mode) else "a pipe and not a plain file" if stat.S_ISFIFO(mode) else ""
    raise FileFault(f"is {what or 'not a plain file'}{advice and f'; {advice}'}")


def read_regular(path: Path, limit: int, advice: str = "") -> bytes:
    """Return the first `limit` bytes of a regular file; raises FileFault as `open_regular` does."""
    with open_regular(path, advice) as file:
        try:
            return file.read(limit)
        except OSError as error:
            raise FileFault(f"cannot be read: {error.strerror}") from None


def decode_text(source: bytes, errors: str = "strict") -> str:
    """Decode UTF-8, or UTF-16 and UTF-32 that begin with a mark; UTF-16 is also known by its zeros.

    Raises UnicodeDecodeError, unless `errors` is "replace", which makes U+FFFD of what is invalid.
    """
    found = next((encoding for mark, encoding in _MARKS if source.startswith(mark)), "utf-8-sig")
    if b"\0" in source[:2] and found == "utf-8-sig" and source[:2] != b"\0\0":
        found = "utf-16-be" if source.startswith(b"\0") else "utf-16-le"
    return source.decode(found, errors)


_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip


def write_atomically(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file so that a reader finds the old content or the new, after a power cut too; raises OSError.

    A link is followed, missing folders are made for the person alone, and a file that exists keeps its permissions.
    """
    path = path.resolve()
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    make_private(path.parent)
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, draft)
        draft.replace(path)
    finally:
        with suppress(OSError):
            draft.unlink()


def make_private(folder: Path) -> None:
    """Make a folder and those above it that are missing, open to the person alone; raises OSError."""
    for above in reversed(folder.parents):
        if not above.exists():
            above.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
