"""A model whose memory cannot be cut back: what was said before can still be changed and answered anew."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.bench import GREEDY
from tests.engine.ggufs import write_mamba
from tui.conversation.conversation import Message
from tui.engine.decode.scheduler import Scheduler
from tui.engine.llama import Llama
from tui.engine.protocol import Event, Finished, Generate, ReplyRequest
from tui.knobs.table import Knobs, turn

KNOBS = turn(GREEDY, num_predict=6)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_mamba(tmp_path / "mamba.gguf")


@pytest.fixture
def model(path: Path) -> Iterator[Llama]:
    model = Llama(str(path), Knobs(num_ctx=2048))
    yield model
    model.close()


class Talk:
    """A conversation with one engine."""

    def __init__(self, model: Llama) -> None:
        self._events: list[Event] = []
        self._scheduler = Scheduler(model, self._events.append)

    def answer(self, messages: list[Message]) -> Message:
        self._scheduler.generate(Generate((ReplyRequest(str(len(self._events)), tuple(messages), KNOBS),)))
        while self._scheduler.busy:
            self._scheduler.step()
        done = self._events[-1]
        assert isinstance(done, Finished), done
        return Message("assistant", done.text, done.tokens)


def test_c15_ten_turns_one_of_them_edited_and_answered_anew(model: Llama, path: Path) -> None:
    talk, said = Talk(model), list[Message]()
    for number in range(10):
        said.append(Message("user", f"question {number}"))
        said.append(talk.answer(said))
    edited = [*said[:4], Message("user", "another question")]
    now = talk.answer(edited)
    again = talk.answer(said[:-1])
    fresh = Llama(str(path), Knobs(num_ctx=2048))
    try:
        assert Talk(fresh).answer(edited).tokens == now.tokens
    finally:
        fresh.close()
    assert len(again.tokens) == len(said[-1].tokens)
