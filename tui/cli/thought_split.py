"""Incremental split of a reply into thought and answer."""

from tui.conversation.thinking import Thought
from tui.engine.protocol import Finished, Thinking, Token


class ThoughtSplit:
    """Text so far, and how much of its thought and answer was returned."""

    def __init__(self) -> None:
        self.thought: Thought | None = None
        """Position of the thought in the text."""
        self._text, self._crossed = "", -1
        self._handed = [0, 0]

    def thinks(self, token: Token) -> bool:
        """Return True if the token belongs to the thought or its tags."""
        return self.thought is not None and (self.thought.end is None or token.index <= self._crossed)

    def feed(self, event: Thinking | Token | Finished) -> tuple[str, str]:
        """Return the new text of thought and answer, without the line ends beside the tags."""
        if isinstance(event, Thinking):
            self.thought, self._crossed = event.thought, event.index
            return "", ""
        self._text += event.text if isinstance(event, Token) else event.tail
        thought, answer = self.thought.parts(self._text) if self.thought else ("", self._text)
        if self.thought:
            answer = answer.lstrip("\n")
        new = []
        for place, part in enumerate((thought.strip("\n"), answer)):
            new.append(part[self._handed[place] :])
            self._handed[place] = max(self._handed[place], len(part))
        return new[0], new[1]
