"""Thoughts of a running reply: their tags as tokens, and the constraint that begins after them."""

import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from tui.conversation.thinking import Tags, Thought, ThoughtReader
from tui.engine.backend import Backend
from tui.engine.constraint.constraint import Constraint
from tui.engine.reply.text import Utf8Decoder, overlap


class ThoughtWatch:
    """Finds the thought of one reply in its tokens."""

    def __init__(
        self, backend: Backend, tags: Tags | None, reading: ThoughtReader, labels: tuple[str, ...] = ()
    ) -> None:
        self._backend, self._reading = backend, reading
        self.labels = labels
        """Texts that begin the person's next turn, and end the reply; none where a token ends it."""
        self.opening = tuple(backend.tokenize(tags.open, special=True)) if tags else ()
        """The tokens that open a thought."""
        told = [token for tag in tags or () for token in backend.tokenize(tag, special=True)]
        self._spelled = {token for token in told if backend.is_control(token)}
        self._held = ""
        self._began = self._seconds = 0.0

    @property
    def inside(self) -> bool:
        """True if the next token belongs to the thought."""
        return self._reading.inside

    @property
    def may_open(self) -> bool:
        """True if a thought could yet begin."""
        return self._reading.may_open

    @property
    def thought(self) -> Thought | None:
        """Thought so far; None before one begins."""
        thought = self._reading.thought
        return thought and replace(thought, seconds=round(self._seconds, 3))

    def piece(self, token: int) -> bytes:
        """Return the bytes of a token; of control tokens only those in the tags have any."""
        return self._backend.label(token).encode() if token in self._spelled else self._backend.piece(token)

    def name(self, token: int) -> bytes:
        """Return the bytes of a token, or the name of a control token, which has none."""
        return self._backend.piece(token) or self._backend.label(token).encode()

    def control_texts(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Return those of some texts that spell out a control token."""
        read = ((text, self._backend.tokenize(text, special=True)) for text in texts)
        return tuple(text for text, tokens in read if any(not self._backend.piece(token) for token in tokens))

    def read(self, tokens: Sequence[int]) -> int:
        """Read the tokens of a prefix; return the number of those before the answer."""
        utf8, before = Utf8Decoder(), 0
        for count, token in enumerate(tokens, 1):
            if self._reading.feed(utf8.decode(self.piece(token))):
                before = count
        return before

    def feed(self, text: str) -> bool:
        """Add the text of the next token; return True if the thought begins or ends with it."""
        was_inside, crossed = self.inside, self._reading.feed(text)
        now = time.perf_counter()
        self._began = self._began or now
        if was_inside:
            self._seconds += now - self._began
        self._began = now
        return crossed

    def crosses(self, tokens: Sequence[int]) -> bool:
        """Return True if a thought would begin or end with these tokens, if they came next."""
        if not self.inside and not self.may_open:
            return False
        reading = self._reading.copy()
        text = b"".join(map(self.piece, tokens)).decode("utf-8", "replace")
        return reading.feed(text)

    def release(self, text: str) -> str:
        """Return the part of the text that can be shown: none that could be the beginning of a tag."""
        text = self._held + text
        closing = self._reading.tags.close if self._reading.tags and self.inside else ""
        keep = len(text) if self.may_open else overlap(text, closing)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def flush(self) -> str:
        """Return the text that was held back and never became a tag."""
        text, self._held = self._held, ""
        return text


class ThoughtFirst(Constraint):
    """A constraint on an answer that a thought may come before: the tag that opens one may be written as well."""

    def __init__(self, answer: Constraint | None, opening: tuple[int, ...], vocabulary: int) -> None:
        """`answer` is None where only the rest of the tag may come; `vocabulary` is the number of tokens."""
        self._answer, self.opening, self._size = answer, opening, vocabulary

    def mask(self) -> npt.NDArray[np.bool_]:
        """Return a mask of the tokens that may come next, shape (vocabulary,). Raises EngineError at a limit."""
        allowed = self._answer.mask() if self._answer else np.zeros(self._size, np.bool_)
        allowed[list(self.opening[:1])] = True
        return allowed

    def accept(self, token: int) -> None:
        """Go on with a token that may come next. Raises EngineError when a limit is hit."""
        opens = self.opening[:1] == (token,)
        if self._answer and opens and not self._answer.mask()[token]:
            self._answer = None
        self.opening = self.opening[1:] if opens else ()
        if self._answer:
            self._answer.accept(token)

    def copy(self) -> "ThoughtFirst":
        """Return a copy with the same state."""
        return ThoughtFirst(self._answer.copy() if self._answer else None, self.opening, self._size)
