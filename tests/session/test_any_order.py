"""Random actions and engine events in any order: a session accepts them, and no text is lost."""

from contextlib import suppress

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.anything import knobs, values
from tests.depth import depth
from tests.session.test_session import talk
from tests.session.test_side import STATS, token
from tui.conversation.conversation import go
from tui.engine.protocol import Died, Event, Failed, Finished
from tui.errors import TwiddleError
from tui.knobs.pair import KnobPair
from tui.knobs.table import Knobs
from tui.session.side import Side

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
which, places = st.integers(0, 1), st.integers(0, 20)


class Talking(RuleBasedStateMachine):
    """Two sides, and an engine that may say anything at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.talk, self.line = talk("precise", "wild")
        self.said: dict[Side, list[str]] = {side: [] for side in self.talk.sides}

    # --- the person, who may do what the screen offers

    @precondition(lambda self: not self.talk.busy)
    @rule(text=texts, alone=st.booleans())
    def ask(self, text: str, alone: bool) -> None:
        with suppress(TwiddleError):
            self.talk.commit(self.talk.prepare(text, self.talk.sides[0] if alone else None))

    @precondition(lambda self: not self.talk.busy and self.talk.sides[0].conversation.turns)
    @rule(place=places, text=texts, deed=st.sampled_from(["again", "edit", "resume", "go"]))
    def go_back(self, place: int, text: str, deed: str) -> None:
        side = self.talk.sides[0]
        place %= len(side.conversation.turns)
        reply = side.conversation.turns[place].message.role == "assistant"
        with suppress(TwiddleError):
            if deed == "again":
                self.talk.answer_again(side, place)
            elif deed == "edit":
                self.talk.commit(self.talk.prepare_edit(side, place, text))
            elif deed == "resume" and reply:
                self.talk.continue_reply(side, place)
            else:
                side.conversation = go(side.conversation, place)

    @rule(which=which, turned=knobs())
    def turn(self, which: int, turned: Knobs) -> None:
        with suppress(TwiddleError):
            self.talk.set_pair(self.talk.sides[which], KnobPair(turned, ()))

    @rule()
    def stop(self) -> None:
        self.talk.stop()

    @rule(which=which)
    def look(self, which: int) -> None:
        self.talk.preview(self.talk.sides[which])

    @rule()
    def clear(self) -> None:
        self.talk.clear()
        self.said = {side: [] for side in self.talk.sides}

    # --- the engine

    @rule(event=values(Event))
    def say(self, event: Event) -> None:
        before = {side: side.reply.text if side.busy and side.reply else "" for side in self.talk.sides}
        self.talk.on_event(event)
        if isinstance(event, Died):
            for side, text in before.items():
                assert not side.busy
                assert not text or text in (turn.message.content for turn in side.conversation.turns)

    @rule(which=which, text=texts)
    def write(self, which: int, text: str) -> None:
        writing = self.talk.sides[which].reply
        if writing:
            event = token(len(writing.traces), text)
            self.talk.on_event(type(event)(writing.id, event.index, text, event.trace, event.used))

    @rule(which=which, failed=st.booleans())
    def end(self, which: int, failed: bool) -> None:
        writing = self.talk.sides[which].reply
        if writing:
            done = Finished(writing.id, writing.text, "stop", 1, tuple(writing.ids), STATS)
            self.talk.on_event(Failed(writing.id, "why not") if failed else done)

    @rule()
    def cut(self) -> None:
        self.line.cut = not self.line.cut

    @invariant()
    def everything_said_is_there(self) -> None:
        for side in self.talk.sides:
            there = [turn.message.content for turn in side.conversation.turns]
            assert there[: len(self.said[side])] == self.said[side]
            self.said[side] = there


TestTalking = Talking.TestCase
TestTalking.settings = settings(max_examples=depth(20, 100), stateful_step_count=30)
