"""Text of a running reply, and the part of it that can be shown."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tui.engine.reply.text import StopStrings, Utf8Decoder
from tui.engine.reply.thinking import ThoughtWatch

_BEFORE = 32
"""Tokens already generated that a stop string may reach back over."""


class ReadableText(NamedTuple):
    """Result of adding one token."""

    text: str
    """Text that can be shown now: none while a character, a stop string or a tag is undecided."""
    crossed: bool
    """True if a thought begins or ends with the token."""


class ReplyText:
    """Tokens and text generated for one request; a prefix that existed before belongs to the prompt."""

    def __init__(self, stops: tuple[str, ...], watch: ThoughtWatch, pending_bytes: bytes = b"") -> None:
        """`pending_bytes`: bytes of the prefix's tokens past its text, the beginning of a character."""
        self._utf8, self._stops, self._watch = Utf8Decoder(pending_bytes), StopStrings((*stops, *watch.labels)), watch
        self._spelled = watch.control_texts(stops)
        """Stop strings that spell a control token, which has no text: they are searched for in the tokens' names."""
        self.tokens: list[int] = []
        self.text = ""

    @property
    def stopped(self) -> bool:
        """True if a stop string was met."""
        return self._stops.found is not None

    def stop_at(self, stops: tuple[str, ...]) -> None:
        """End at these texts from now on."""
        stops = (*stops, *self._watch.labels)
        if stops != self._stops.stops:
            self._stops.stops, self._spelled = stops, self._watch.control_texts(stops)

    def add(self, token: int) -> ReadableText:
        """Add a token, and return the text that can be shown with it."""
        text = self._utf8.decode(self._watch.piece(token))
        crossed = self._watch.feed(text)
        self._stops.found = self._stops.found or self._completed([token], self._spelled, self._watch.name)
        text = self._watch.release(self._stops.decode(text))
        self.tokens.append(token)
        self.text += text
        return ReadableText(text, crossed)

    def close(self) -> str:
        """Return the text that was held back, when no token follows."""
        tail = self._watch.flush() + self._stops.decode(self._utf8.flush()) + self._stops.flush()
        self.text += tail
        return tail

    def would_stop(self, tokens: Sequence[int]) -> bool:
        """Return True if the last of these tokens, if they came next, would complete a stop string."""
        plain = self._completed(tokens, self._stops.stops, self._watch.piece)
        return bool(plain or self._completed(tokens, self._spelled, self._watch.name))

    def _completed(self, tokens: Sequence[int], stops: Sequence[str], spell: Callable[[int], bytes]) -> str | None:
        """Return the stop string that the last of these tokens, if they came next, would complete."""
        if not stops:
            return None
        *before, last = map(spell, [*self.tokens[-_BEFORE:], *tokens])
        start, text = len(b"".join(before)), b"".join((*before, last))
        return next((stop for stop in stops if stop.encode() in text[max(0, start - len(stop.encode()) + 1) :]), None)

    def with_next(self, tokens: Sequence[int], *, whole: bool = False) -> str:
        """Return the text of these tokens if they came next, after the whole reply or by themselves."""
        tokens = [*self.tokens, *tokens] if whole else tokens
        text = b"".join(map(self._watch.piece, tokens)).decode("utf-8", "replace")
        ends = [text.find(stop) for stop in self._stops.stops if stop in text]
        return text[: min(ends)] if ends else text
