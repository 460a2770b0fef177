"""The prompts sent before, and where among them a person is who walks through them."""

from collections.abc import Iterable


class PromptHistory:
    """What was sent, oldest first; past the last stands the prompt being written."""

    def __init__(self, sent: Iterable[str] = ()) -> None:
        self.sent = list(sent)
        self.place = len(self.sent)
        """Which is shown; past the last, the prompt being written."""

    def leave(self) -> None:
        """Be past the last again."""
        self.place = len(self.sent)

    def remember(self, text: str) -> None:
        """Take a text for one that was sent."""
        if text.strip() and self.sent[-1:] != [text]:
            self.sent.append(text)
        self.leave()

    def recall(self, sent: Iterable[str]) -> None:
        """Take in what was sent before all that is known."""
        before = list(sent)
        self.sent[:0] = before
        self.place += len(before)

    def walk(self, step: int, text: str) -> str | None:
        """The prompt that many places on from one that is shown; None where `text` is the person's own."""
        if text != self._shown:
            if text:
                return None
            self.leave()
        self.place = min(max(self.place + step, 0), len(self.sent))
        return self._shown

    @property
    def _shown(self) -> str:
        return self.sent[self.place] if self.place < len(self.sent) else ""
