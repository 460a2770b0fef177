"""Search of folders for model files, where what cannot be read costs a sentence and nothing else."""

import os
from pathlib import Path

from tui.paths import is_file, note_closed


def gguf_names(folder: Path, faults: list[str]) -> list[str]:
    """Return the GGUFs below a folder as sorted relative paths; links to folders are followed, each folder once.

    `faults` gets a sentence for each folder that is closed and each link that leads nowhere.
    """
    found, seen = [], set()
    for root, folders, files in os.walk(folder, onerror=lambda error: note_closed(error, faults), followlinks=True):
        real = _real(Path(root))
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        for name in files:
            # macOS leaves a `._NAME` beside each file on a foreign disk.
            if name.lower().endswith(".gguf") and not name.startswith("."):
                found.append(Path(root, name))
    for path in (path for path in found if not is_file(path)):
        faults.append(f"{str(path)!r} leads to a file that is gone or closed; fetch it again or remove the link.")
    return sorted(path.relative_to(folder).as_posix() for path in found if is_file(path))


def _real(folder: Path) -> Path:
    try:
        return folder.resolve()
    except (OSError, RuntimeError):  # a loop of links
        return folder
