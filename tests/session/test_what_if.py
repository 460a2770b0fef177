"""Recomputation requests with other knobs: which are sent to the engine, and when."""

from msgspec.structs import replace

from tests.session.test_side import STATS, put_question, side
from tui.conversation.conversation import Message
from tui.conversation.trace import TokenTrace
from tui.engine.protocol import (
    Command,
    Failed,
    Finished,
    Refused,
    Remember,
    Remembered,
    Token,
    WhatIf,
    WhatIfs,
)
from tui.knobs.table import Knobs
from tui.session.side import Side
from tui.session.what_if import WhatIfQuestion, WhatIfRequests, question


class Asked:
    """A side with a reply of three tokens, and what an engine is asked about it."""

    def __init__(self) -> None:
        self.side = side("precise,seed=3")
        put_question(self.side, "Hi")
        self.side.start_reply("1", 7)
        for index in range(3):
            trace = TokenTrace(index, "x", 0.5, 0.5, 0, 1.0, 1.0, (), ())
            self.side.on_token(Token("1", index, "x", trace, 20, b"scores"))
        self.side.on_finished(Finished("1", "xxx", "length", 7, (0, 1, 2), STATS))
        self.sent: list[Command] = []
        self.requests = WhatIfRequests(self._send)

    def _send(self, side: Side, command: Command) -> None:
        self.sent.append(command)

    def question(self, temperature: float, explained: int = -1) -> WhatIfQuestion:
        self.side.pair = self.side.pair.turn("temperature", temperature)
        asked = question(self.side, 1, explained)
        assert asked
        return asked

    def taken(self) -> list[Command]:
        sent, self.sent = self.sent, []
        return sent

    def know(self) -> str:
        """Ask once, and have the engine learn of the reply; its name there."""
        self.requests.ask(self.question(0.5))
        (told,) = self.taken()
        assert isinstance(told, Remember)
        self.requests.on_remembered(Remembered(told.id))
        return told.id


def answer(name: str, knobs: Knobs, *, complete: bool = True, first: int = 0) -> WhatIfs:
    return WhatIfs(name, knobs, first, (0.1, 0.2), ("", "top_k"), complete)


def test_the_engine_is_told_of_the_reply_before_it_is_asked() -> None:
    asked = Asked()
    asked.requests.ask(asked.question(0.5, explained=2))
    (told,) = asked.taken()
    assert isinstance(told, Remember)
    assert told.messages == (*asked.side.preset.opening, Message("user", "Hi"))
    assert (told.tokens, told.records, told.knobs.seed) == ((0, 1, 2), (b"scores",) * 3, 7)
    asked.requests.on_remembered(Remembered("another"))
    assert not asked.taken()
    asked.requests.on_remembered(Remembered(told.id))
    assert asked.taken() == [WhatIf(told.id, asked.side.knobs, 2)]
    got = asked.requests.on_answer(answer(told.id, asked.side.knobs))
    assert got and (got.first, got.part.cut) == (0, ("", "top_k"))


def test_while_one_question_is_answered_only_the_newest_waits() -> None:
    asked = Asked()
    name = asked.know()
    asked.taken()
    for temperature in (0.6, 0.7, 0.8):
        asked.requests.ask(asked.question(temperature))
    assert not asked.taken()
    assert asked.requests.on_answer(answer(name, Knobs(), complete=False))
    assert not asked.taken(), "it is not complete"
    asked.requests.on_answer(answer(name, Knobs()))
    (sent,) = asked.taken()
    assert isinstance(sent, WhatIf) and sent.knobs.temperature == 0.8


def test_questions_about_two_replies_do_not_displace_each_other() -> None:
    asked = Asked()
    name = asked.know()
    asked.taken()
    other = asked.question(0.9)
    other = other._replace(record=replace(other.record, preset="another"))
    asked.requests.ask(other)
    asked.requests.ask(asked.question(0.6))
    asked.requests.ask(asked.question(0.7, explained=1)._replace(explained_only=True))
    asked.requests.on_answer(answer(name, Knobs()))
    (told,) = asked.taken()
    assert isinstance(told, Remember)
    asked.requests.on_remembered(Remembered(told.id))
    (sent,) = asked.taken()
    assert isinstance(sent, WhatIf) and sent.knobs.temperature == 0.9
    asked.requests.on_answer(answer(told.id, Knobs()))
    (sent,) = asked.taken()
    assert isinstance(sent, WhatIf) and (sent.knobs.temperature, sent.looked, sent.alone) == (0.7, 1, True)


def test_an_engine_that_has_forgotten_is_told_again_and_one_that_will_not_learn_is_left_alone() -> None:
    asked = Asked()
    name = asked.know()
    asked.taken()
    asked.requests.on_error(Refused(name, "forgotten"))
    (told,) = asked.taken()
    assert isinstance(told, Remember)
    asked.requests.on_error(Refused(told.id, "the template refuses"))
    assert not asked.taken()
    asked.requests.ask(asked.question(0.9))
    assert isinstance(asked.taken()[0], Remember), "it asks again when there is a new question"


def test_what_cannot_be_worked_out_is_let_go() -> None:
    asked = Asked()
    name = asked.know()
    asked.taken()
    asked.requests.on_error(Failed(name, "temperature leaves none of the model's tokens here."))
    assert not asked.taken()
    asked.requests.ask(asked.question(0.9))
    assert isinstance(asked.taken()[0], WhatIf)


def test_a_new_engine_is_told_everything_anew() -> None:
    asked = Asked()
    name = asked.know()
    asked.taken()
    asked.requests.on_engine_changed()
    asked.taken()
    asked.requests.on_engine_changed()
    (told,) = asked.taken()
    assert isinstance(told, Remember) and told.id != name
    assert asked.requests.on_answer(answer(name, Knobs())) is None, "that was the old one"


def test_what_a_person_began_is_part_of_what_is_answered() -> None:
    asked = Asked()
    (turned,) = asked.side.conversation.path[1:]
    assert turned.record
    begun = replace(turned.record, first_index=4, offsets=(3, 4, 5))
    message = Message("assistant", "Ho xxx")
    turns = (*asked.side.conversation.turns[:1], replace(turned, message=message, record=begun))
    asked.side.conversation = replace(asked.side.conversation, turns=turns)
    asked.requests.ask(asked.question(0.5, explained=1))
    (told,) = asked.taken()
    assert isinstance(told, Remember)
    assert told.first_index == 4 and told.messages[-1] == Message("assistant", "Ho ")
    asked.requests.on_remembered(Remembered(told.id))
    assert asked.taken() == [WhatIf(told.id, asked.side.knobs, 5)]
    got = asked.requests.on_answer(answer(told.id, asked.side.knobs, first=4))
    assert got and got.first == 0


def test_of_what_was_not_recorded_nothing_is_asked() -> None:
    asked = Asked()
    (turned,) = asked.side.conversation.path[1:]
    assert turned.record
    asked.side.conversation = replace(
        asked.side.conversation,
        turns=(
            *asked.side.conversation.turns[:1],
            replace(turned, record=replace(turned.record, records=(b"",) * 3)),
        ),
    )
    assert question(asked.side, 1) is None


def test_each_side_has_its_newest_question_waiting() -> None:
    asked, other = Asked(), side("precise,seed=3")
    name = asked.know()
    asked.taken()
    theirs = asked.question(0.9)._replace(side=other)
    for question_ in (asked.question(0.6), theirs, asked.question(0.7)):
        asked.requests.ask(question_)
    temperatures = []
    for _ in range(2):
        asked.requests.on_answer(answer(name, Knobs()))
        (sent,) = asked.taken()
        assert isinstance(sent, WhatIf)
        temperatures.append(sent.knobs.temperature)
    assert temperatures == [0.7, 0.9]


def test_a_side_that_is_gone_is_not_waited_for() -> None:
    asked, other = Asked(), side("precise,seed=3")
    name = asked.know()
    asked.taken()
    asked.requests.ask(asked.question(0.9)._replace(side=other))
    asked.requests.forget(asked.side)
    (told,) = asked.taken()
    assert isinstance(told, Remember) and told.id != name
    assert asked.requests.on_answer(answer(name, Knobs())) is None, "the answer to the one that is gone"
    asked.requests.on_remembered(Remembered(told.id))
    assert asked.taken() == [WhatIf(told.id, asked.side.knobs)]
