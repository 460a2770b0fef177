"""Replies of every kind, written on the real model with `reproducible on`, come out the same to the last digit."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.depth import depth
from tests.session.test_side import side
from tui.cli.replay import build
from tui.conversation.conversation import versions
from tui.conversation.trace import TokenTrace
from tui.engine.decode.scheduler import Scheduler
from tui.engine.llama import Llama
from tui.engine.protocol import Command, Event, Generate, Load, SetKnobs, Stop, Token
from tui.knobs.table import Knobs
from tui.session.session import Session
from tui.session.side import Side
from tui.store.records import ReplySource, SavedPosition, Snapshot, StoredReply
from tui.store.replay import difference, expected, model_file, request
from tui.store.store import Store

pytestmark = pytest.mark.model

SETTING = "default,temperature=1,num_predict=12,num_ctx=2048,reproducible=on"


@pytest.fixture(scope="module")
def model(starter: Path) -> Iterator[Llama]:
    model = Llama(str(starter), Knobs(num_ctx=2048))
    yield model
    model.close()


class Writer:
    """The engine in this process, on a cache that holds nothing."""

    def __init__(self, model: Llama) -> None:
        for sequence in range(model.sequences):
            model.drop(sequence)
        self.events: list[Event] = []
        self.scheduler = Scheduler(model, self.events.append, reproducible=True)

    def again(self, stored: StoredReply) -> tuple[TokenTrace, ...]:
        """How the tokens of a stored reply are chosen now."""
        assert stored.record.knobs.reproducible == "on", "the record says how it was written"
        del self.events[:]
        self.scheduler.generate(Generate((request(stored),)))
        while self.scheduler.busy:
            self.scheduler.step()
        found = [event.trace for event in self.events if isinstance(event, Token)]
        return tuple(found[: len(expected(stored))])


class Chat(Writer):
    """Sides that talk to it, and are written down as they do."""

    def __init__(self, model: Llama, store: Store, *settings: str) -> None:
        super().__init__(model)
        self.store = store
        self.talk = Session([side(setting) for setting in settings], self)
        self.pages = [SavedPosition(str(index)) for index in range(len(settings))]
        self.talk.apply_settings()

    @property
    def side(self) -> Side:
        return self.talk.sides[0]

    def fit(self, loads: Iterable[Load]) -> None: ...

    def send(self, command: Command, load: Load | None) -> None:
        match command:
            case Generate():
                self.scheduler.generate(command)
            case SetKnobs():
                self.scheduler.set_knobs(command)
            case Stop():
                self.scheduler.stop(command)

    def run(self, tokens: int = 10_000) -> None:
        """Go on until everyone is done or one has so many tokens, and write down what there is."""
        while self.talk.busy and all(each.reply and each.reply.count < tokens for each in self.talk.sides):
            self.scheduler.step()
            while self.events:
                self.talk.on_event(self.events.pop(0))
        for place, each in enumerate(self.talk.sides):
            assert each.load
            source = ReplySource(each.preset.opening, model_file(Path(each.load.path)), build())
            self.pages[place] = self.store.save(self.pages[place], Snapshot(each.conversation, source=source))

    def replies(self) -> list[StoredReply]:
        """Every reply that was kept."""
        return [
            self.store.reply(number)
            for each, page in zip(self.talk.sides, self.pages, strict=True)
            for number, turn in zip(page.turns, each.conversation.turns, strict=True)
            if turn.record
        ]


def check(model: Llama, *replies: StoredReply) -> None:
    """Each as it was, however much of it is in the cache: the last first, so that others find their beginnings."""
    writer = Writer(model)
    for stored in reversed(replies):
        now = writer.again(stored)
        assert difference(stored, now) is None
        assert now == stored.record.traces[stored.record.inherited :], "with the same odds"


def test_many_turns_of_two_sides_beside_each_other(model: Llama, store: Store) -> None:
    chat = Chat(model, store, f"{SETTING},num_predict=8,seed=3", f"{SETTING},num_predict=8,seed=4")
    subjects = ("sea", "sky", "hill", "wood", "fire", "rain", "snow", "wind", "moon", "sun")[: depth(3, 10)]
    for what in subjects:
        chat.talk.commit(chat.talk.prepare(f"Tell me of the {what}."))
        chat.run()
    replies = chat.replies()
    assert len(replies) == 2 * len(subjects)
    assert len({stored.conversation.conversation.path[1].message.content for stored in replies}) == 2, "they parted"
    check(model, *replies)
    for stored in (replies[4], replies[-1]):
        assert Writer(model).again(stored) == stored.record.traces, "from an empty cache too"


def test_another_answer_a_branch_and_an_edit(model: Llama, store: Store) -> None:
    chat = Chat(model, store, SETTING)
    chat.talk.commit(chat.talk.prepare("Name three animals that live in the sea, and say why you like them."))
    chat.run()
    chat.talk.answer_again()
    chat.run()
    written = chat.side.conversation.turns[1].record
    assert written
    other = next(each for each in written.traces[6].candidates if each.id != written.traces[6].id)
    chat.talk.branch(chat.side, 1, 6, other)
    chat.run()
    chat.talk.continue_reply(chat.side, 3)
    chat.run()
    chat.talk.commit(chat.talk.prepare_edit(chat.side, 1, "The sea is"))
    chat.talk.continue_reply(chat.side, 5)
    chat.run()
    chat.talk.commit(chat.talk.prepare_edit(chat.side, 0, "Name three animals that live in the woods."))
    chat.run()
    replies = chat.replies()
    assert len(replies) == 6
    assert sum(stored.record.inherited > 0 for stored in replies) == 2
    assert sum(stored.record.first_index > 0 for stored in replies) == 1
    assert len(versions(chat.side.conversation, 1)) == 6
    check(model, *replies)


def test_knobs_turned_by_hand_and_a_reply_that_was_stopped(model: Llama, store: Store) -> None:
    chat = Chat(model, store, SETTING, f"{SETTING},seed=8")
    chat.talk.commit(chat.talk.prepare("Why is the sky blue?"))
    chat.run(5)
    chat.talk.turn(chat.side, "temperature", 2.0)
    chat.run(9)
    chat.talk.turn(chat.side, "top_k", 5)
    chat.run(12)
    chat.talk.stop(chat.side)
    chat.run()
    stopped, whole = chat.replies()
    assert [change.index for change in stopped.record.knob_changes] == [5, 9]
    assert len(expected(stopped)) == 12
    check(model, stopped, whole)


def test_searches(model: Llama, store: Store) -> None:
    for strategy in ("beam", "contrastive"):
        setting = f"{SETTING},strategy={strategy},num_predict=8"
        chat = Chat(model, store, setting, f"{setting},num_beams=2")
        chat.pages = [SavedPosition(f"{strategy} {place}") for place in range(2)]
        for text in ("Name a fish.", "And a bird."):
            chat.talk.commit(chat.talk.prepare(text))
            chat.run()
        assert len(chat.replies()) == 4
        check(model, *chat.replies())


def test_a_thought_with_knobs_of_its_own(model: Llama, store: Store) -> None:
    thinking = "think_temperature=1.8,think_open=Hm,think_close=."
    chat = Chat(model, store, f"{SETTING},temperature=0.3,num_predict=40,{thinking},seed=5")
    chat.talk.commit(chat.talk.prepare("Is the sea deep? Answer in a few short sentences."))
    chat.run()
    chat.talk.commit(chat.talk.prepare_edit(chat.side, 1, "Hm, the sea"))
    chat.talk.continue_reply(chat.side, 2)
    chat.run()
    written = chat.replies()[-1].record
    assert written.thought and written.thought.end, "it thought, and answered"
    assert [change.knobs.temperature for change in written.knob_changes] == [0.3]
    check(model, *chat.replies())


def test_a_branch_within_a_character(model: Llama, store: Store) -> None:
    chat = Chat(model, store, f"{SETTING},choices=Yes 🎉 it is")
    chat.talk.commit(chat.talk.prepare("Is it time to party?"))
    chat.run()
    written = chat.side.conversation.turns[1].record
    assert written
    place = next(place for place, start in enumerate(written.offsets) if start in written.offsets[:place])
    other = next(each for each in written.traces[place].candidates if each.id != written.traces[place].id)
    chat.talk.turn(chat.side, "choices", ())
    chat.talk.branch(chat.side, 1, place, other)
    chat.run()
    replies = chat.replies()
    assert replies[1].record.inherited == place + 1
    check(model, *replies)
