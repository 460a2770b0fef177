"""What one reply has said: its tokens, and the text of them that can be shown."""

from collections.abc import Sequence
from typing import NamedTuple

from tui.engine.reply.text import StopStrings, Utf8Decoder
from tui.engine.reply.thinking import ThoughtWatch

_BEFORE = 32
"""How many tokens already written a stop text may reach back over."""


class ReadableText(NamedTuple):
    """What came of one token."""

    text: str
    """What can be shown now: nothing while a character, a stop text or a tag is undecided."""
    crossed: bool
    """Whether a thought begins or ends with the token."""


class ReplyText:
    """Tokens and text of a reply; what was there of it before belongs to the prompt."""

    def __init__(self, stops: tuple[str, ...], watch: ThoughtWatch, unsaid: bytes = b"") -> None:
        """`unsaid` is what the tokens before say that their text does not."""
        self._utf8, self._stops, self._watch = Utf8Decoder(unsaid), StopStrings(stops), watch
        self.tokens: list[int] = []
        self.text = ""

    @property
    def stopped(self) -> bool:
        """Whether a stop text was met."""
        return self._stops.found is not None

    def stop_at(self, stops: tuple[str, ...]) -> None:
        """End at these texts from now on."""
        self._stops.stops = stops

    def add(self, token: int) -> ReadableText:
        """Say a token more."""
        said = self._utf8.decode(self._watch.piece(token))
        crossed = self._watch.feed(said)
        text = self._watch.release(self._stops.decode(said))
        self.tokens.append(token)
        self.text += text
        return ReadableText(text, crossed)

    def close(self) -> str:
        """Nothing more is said; the text that had been held back."""
        tail = self._watch.flush() + self._stops.decode(self._utf8.flush()) + self._stops.flush()
        self.text += tail
        return tail

    def would_stop(self, tokens: Sequence[int]) -> bool:
        """Whether the last of these tokens, to be said next, completes a stop text."""
        if not self._stops.stops:
            return False
        *before, last = map(self._watch.piece, [*self.tokens[-_BEFORE:], *tokens])
        start, text = len(b"".join(before)), b"".join((*before, last))
        stops = [stop.encode() for stop in self._stops.stops]
        return any(stop in text[max(0, start - len(stop) + 1) :] for stop in stops)

    def with_next(self, tokens: Sequence[int], *, whole: bool = False) -> str:
        """What these tokens say if they are said next, after the whole reply or by themselves."""
        tokens = [*self.tokens, *tokens] if whole else tokens
        text = b"".join(map(self._watch.piece, tokens)).decode("utf-8", "replace")
        ends = [text.find(stop) for stop in self._stops.stops if stop in text]
        return text[: min(ends)] if ends else text
