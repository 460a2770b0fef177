"""Parser of terminal input that keeps late answers and the escape sequences of a paste from becoming keys."""

import re
import unicodedata
from collections.abc import Generator, Iterable, Iterator

from textual.events import Key, Paste
from textual.message import Message

from tui.ui.textual_private import XTermParser

_ANSWER = re.compile("\x1b\\]11;[^\x07\x1b]*(?:\x07|\x1b\\\\)")
_PARTIAL = re.compile("(?:\x1b\\]11;[^\x07\x1b]{0,40}\x1b?|\x1b\\[20{0,2})\\Z")
_START, _END = "\x1b[200~", "\x1b[201~"


class InputParser(XTermParser):
    """Parser that drops answers to OSC 11, which Textual takes for two dozen keys, and reads a paste as one text."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._partial = ""
        """Input that may become an answer or a paste."""
        self._last = ""
        """End of the input that was read as keys."""
        self._paste: str | None = None
        """Text of the paste so far; None outside one."""

    def feed(self, data: str) -> Iterable[Message]:
        """Yield the messages in some input; an answer or a paste may come in pieces."""
        if not data:  # the end
            yield from self._read_keys(data)
        while data:
            if self._paste is None:
                data = yield from self._keys(data)
            else:
                before, text = len(self._paste), self._paste + data
                place = text.find(_END, max(0, before - len(_END)))
                if place < 0:
                    self._paste = text
                    return
                yield Paste(text[:place].replace("\0", ""))
                self._paste, data = None, text[place + len(_END) :]

    def _read_keys(self, data: str) -> Iterator[Message]:
        """Yield Textual's messages, with pastes for signs that no widget would take as typed."""
        for message in super().feed(data):
            sign = message.character if isinstance(message, Key) and "+" not in message.key else None
            # Widgets take what `str.isprintable` is true of: no joiner, no blank but U+0020, no sign newer than Python.
            typed = sign and not sign.isprintable() and unicodedata.category(sign) not in ("Cc", "Cs")
            yield Paste(sign) if sign and typed else message

    def _keys(self, data: str) -> Generator[Message, None, str]:
        """Read keys up to the start of a paste; return the input after it."""
        last = self._last
        keys, start, after = (last + self._partial + data).partition(_START)
        if len(keys) < len(last):  # a first part of the start was read already, and means nothing by itself
            for _ in super().feed(_START[len(last) - len(keys) :] + _END):
                pass
        new = _ANSWER.sub("", keys[len(last) :])
        begun = None if start else _PARTIAL.search(last + new)
        kept = max(len(new) - len(begun[0]), 0) if begun else len(new)
        new, self._partial = new[:kept], new[kept:]
        if new:
            yield from self._read_keys(new)
        self._last, self._paste = ("", "") if start else ((last + new)[-len(_START) :], None)
        return after
