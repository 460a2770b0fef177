"""A scripted model in this process, and what came of what it was asked."""

from collections import defaultdict

from tests.engine.scripted import Script, ScriptedBackend
from tui.conversation.conversation import Message
from tui.engine.decode.scheduler import Scheduler
from tui.engine.llama import make_stage
from tui.engine.protocol import Event, Finished, Generate, ReplyRequest, Token
from tui.knobs.table import Knobs, turn

GREEDY = turn(Knobs(), temperature=0.0, seed=1)


class Bench:
    """A scheduler over a script, and every event it sent."""

    def __init__(self, script: Script) -> None:
        self.backend = ScriptedBackend(script, make_stage, lambda share: None)
        self.events: list[Event] = []
        self.scheduler = Scheduler(self.backend, self.events.append)

    def ask(self, *replies: ReplyRequest) -> None:
        self.scheduler.generate(Generate(replies))

    def run(self, steps: int = 10_000) -> None:
        """Step until nothing is left to do."""
        for _ in range(steps):
            if not self.scheduler.busy:
                return
            self.scheduler.step()
        raise AssertionError("it never came to an end")

    def finished(self, reply_id: str) -> Finished:
        (event,) = [each for each in self.events if isinstance(each, Finished) and each.id == reply_id]
        return event

    def tokens(self) -> dict[str, list[Token]]:
        found = defaultdict(list)
        for event in self.events:
            if isinstance(event, Token):
                found[event.id].append(event)
        return found


def question(text: str = "Hi") -> tuple[Message, ...]:
    return (Message("user", text),)


def reply(reply_id: str = "a", knobs: Knobs = GREEDY, text: str = "Hi") -> ReplyRequest:
    return ReplyRequest(reply_id, question(text), knobs)
