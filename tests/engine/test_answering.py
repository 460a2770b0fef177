"""Questions answered beside the loop: a fault in one costs no other, and no model is closed under one."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

import pytest

from tests.engine.bench import question
from tests.engine.scripted import Script, open_scripted
from tui.engine.loop import EngineLoop
from tui.engine.protocol import Event, Failed, Load, Preview, Refused, Remember, WhatIf
from tui.engine.sampling.what_if_worker import Question, WhatIfWorker
from tui.errors import EngineError
from tui.knobs.table import Knobs

LOAD = Load(Script(template=None).path, Knobs())


class Told(EngineLoop):
    """An engine in this process, which keeps what it says."""

    def __init__(self) -> None:
        super().__init__(-1, open_scripted)
        self.said: SimpleQueue[Event] = SimpleQueue()
        self.receive(LOAD)
        self._run_commands()
        while not self.said.empty():
            self.said.get()
        threading.Thread(target=self._answer_questions, daemon=True).start()

    def emit(self, event: Event) -> None:
        self.said.put(event)


@pytest.mark.parametrize(
    ("error", "words"), [(EngineError("top_k leaves none."), "top_k leaves none."), (ValueError("said"), "ValueError")]
)
@pytest.mark.parametrize(
    "asked", [WhatIf("a", Knobs()), Preview("a", question(), Knobs()), Remember("a", question(), (), (), Knobs())]
)
def test_a_question_that_goes_wrong_is_answered_and_so_is_the_next(
    asked: Question, error: Exception, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Told()
    with monkeypatch.context() as patch:

        def fail(*_: object) -> bool:
            raise error

        patch.setattr(WhatIfWorker, "answer", fail)
        engine.receive(asked)
        failed = engine.said.get(timeout=20)
    assert isinstance(failed, Failed) and failed.id == "a"
    assert words in failed.reason and "said" not in failed.reason.replace("says", "")
    engine.receive(WhatIf("b", Knobs()))
    assert engine.said.get(timeout=20) == Refused("b", "The engine does not remember this reply.")


def test_a_question_that_goes_wrong_in_the_loop_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Told()
    monkeypatch.setattr(WhatIfWorker, "answer", lambda *_: False)
    monkeypatch.setattr("tui.engine.decode.scheduler.Scheduler.preview", lambda *_: [][0])
    engine.receive(Preview("a", question(), Knobs()))
    engine._run_commands()
    failed = engine.said.get(timeout=20)
    assert isinstance(failed, Failed) and "IndexError" in failed.reason


def test_a_model_is_closed_only_when_the_answer_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, order, begun = Told(), list[str](), threading.Event()
    assert engine._backend
    monkeypatch.setattr(engine._backend, "close", lambda: order.append("closed"))

    def answer(_: WhatIfWorker, __: Question, newer: Callable[[], bool]) -> bool:
        begun.set()
        for _try in range(500):  # as between the parts of a long answer
            if newer():
                threading.Event().wait(0.1)
                break
            threading.Event().wait(0.01)
        else:
            order.append("never told")
        order.append("answered")
        return True

    monkeypatch.setattr(WhatIfWorker, "answer", answer)
    engine.receive(WhatIf("a", Knobs()))
    assert begun.wait(20)
    engine.receive(LOAD)
    engine._run_commands()
    assert order == ["answered", "closed"]
