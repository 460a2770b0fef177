"""llama.cpp's log: the only place where it says why something failed."""

import ctypes
import os
from typing import Any

import llama_cpp as C

_EMPTY = "failed to load model"
"""End of the line that llama.cpp adds after every reason."""

_WARNING, _ERROR, _CONTINUED = 3, 4, 5


class LlamaLog:
    """llama.cpp's log: warnings and errors go to stderr, and the last ones are kept as the reason of a failure."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._level = 0
        self.callback = C.llama_log_callback(self._take)

    def _take(self, level: int, text: bytes, _: Any) -> None:
        self._level = level if level != _CONTINUED else self._level
        if self._level in (_WARNING, _ERROR):
            self.lines.append(text.decode("utf-8", "replace"))
            del self.lines[:-50]
            os.write(2, text)

    def has_logged(self, words: str) -> bool:
        """Return True if a warning or error has these words in it."""
        return any(words in line for line in self.lines)

    @property
    def reason(self) -> str:
        """The last thing it complained of that says something."""
        lines = [line for line in "".join(self.lines).splitlines() if line.strip() and not line.endswith(_EMPTY)]
        return lines[-1].strip() if lines else "llama.cpp gave no reason"


LOG = LlamaLog()
C.llama_log_set(LOG.callback, ctypes.c_void_p(0))
"""The log of this process."""
