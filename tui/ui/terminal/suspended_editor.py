"""External editor on a text, with the app suspended."""

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

from tui.errors import EditorError
from tui.prompt_line.external_editor import editing, ended, not_started


async def edit_externally(app: App[Any], text: str) -> str:
    """Return a text as the user's editor left it; replies continue meanwhile. Raise EditorError."""
    handle, name = tempfile.mkstemp(prefix="twiddle-", suffix=".md")  # nobody else can read it
    path = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        try:
            with app.suspend():
                process = await asyncio.create_subprocess_exec(*editing(path))
                code = await process.wait()
        except SuspendNotSupported:
            raise EditorError("This terminal cannot be lent to an editor; write here instead.") from None
        except OSError as error:
            raise not_started(error) from None
        if code:
            raise ended(code)
        edited = path.read_text(encoding="utf-8", errors="replace")
        return edited if edited == text else edited.removesuffix("\n")
    finally:
        path.unlink(missing_ok=True)
