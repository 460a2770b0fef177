"""What the terminal answers when nobody waits any more is not typed into the app."""

import re
from collections.abc import Iterable

from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.message import Message

_ANSWER = re.compile("\x1b\\]11;[^\x07\x1b]*(?:\x07|\x1b\\\\)")
_BEGUN = re.compile("\x1b\\]11;[^\x07\x1b]{0,40}\x1b?\\Z")


class Parser(XTermParser):
    """Textual's, which would take an answer to OSC 11 for two dozen keys."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._begun = ""

    def feed(self, data: str) -> Iterable[Message]:
        """The messages in what was read; an answer may come in two pieces."""
        if not data:  # the end
            return super().feed(data)
        data = _ANSWER.sub("", self._begun + data)
        begun = _BEGUN.search(data)
        self._begun = begun[0] if begun else ""
        data = data.removesuffix(self._begun)
        return super().feed(data) if data else ()


def ignore_late_answers() -> None:
    """Have Textual's driver read with this parser; it names its own in its module and nowhere else."""
    linux_driver.XTermParser = Parser  # type: ignore[attr-defined]
