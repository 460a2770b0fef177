"""A reply as far as it has come, parted into what is thought and what is answered."""

from tui.conversation.thinking import Thought
from tui.engine.protocol import Finished, Thinking, Token


class ThoughtSplit:
    """The text that has come, and how much of either part was handed on."""

    def __init__(self) -> None:
        self.thought: Thought | None = None
        """What of it is thought."""
        self._text, self._crossed = "", -1
        self._handed = [0, 0]

    def thinks(self, token: Token) -> bool:
        """Whether the token belongs to the thought, or to its tags."""
        return self.thought is not None and (self.thought.end is None or token.index <= self._crossed)

    def take(self, event: Thinking | Token | Finished) -> tuple[str, str]:
        """What is new of the thought and of the answer, each without the line ends that part it from its tag."""
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
