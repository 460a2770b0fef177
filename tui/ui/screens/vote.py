"""Which of the hidden sides is better?"""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from tui.comparison.votes import QUESTIONS, Mark, Vote, letter
from tui.ui.screens.dialog import Dialog

_SIDES_KEYS = "abcd"


class VoteQuestion(Widget):
    """One question, with the answers beside it; the chosen one is marked."""

    DEFAULT_CSS = """
    VoteQuestion {
        width: 1fr;
        height: 1;
        color: $foreground 75%;
        &.-here { background: $primary-muted; color: $foreground; text-style: bold; }
        &.-here:ansi { color: ansi_black; }
    }
    """
    ALLOW_SELECT = False

    mark: reactive[Mark | None] = reactive[Mark | None](None)
    """The answer, once there is one."""

    class Answered(Message):
        """An answer was clicked."""

        def __init__(self, question: "VoteQuestion", mark: Mark) -> None:
            super().__init__()
            self.question, self.mark = question, mark

    def __init__(self, name: str, answers: dict[Mark, str]) -> None:
        super().__init__()
        self._name, self._answers = name, answers

    def render(self) -> Content:
        return Content(self._lead + "".join(self._cells.values()))

    @property
    def _lead(self) -> str:
        return f"{'▸' if self.has_class('-here') else ' '} {self._name:<13}"

    @property
    def _cells(self) -> dict[Mark, str]:
        return {mark: f" {'●' if mark == self.mark else '○'} {said} " for mark, said in self._answers.items()}

    def on_click(self, event: events.Click) -> None:
        """Take the answer under the mouse."""
        column = event.x - len(self._lead)
        for mark, cell in self._cells.items():
            if 0 <= column < len(cell):
                self.post_message(self.Answered(self, mark))
                return
            column -= len(cell)


class VoteScreen(Dialog[Vote | None]):
    """A row for each question. Gives the vote, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(key, f"answer({place})", letter(place), show=False, id=f"vote.{key}")
            for place, key in enumerate(_SIDES_KEYS)
        ),
        Binding("t", "answer('tie')", "Equal", show=False, id="vote.equal"),
        Binding("x", "answer('bad')", "None is good", show=False, id="vote.bad"),
        Binding("up", "go(-1)", "Question above", show=False, id="vote.above"),
        Binding("down", "go(1)", "Question below", show=False, id="vote.below"),
        Binding("enter", "send", "Vote", id="vote.send"),
        Binding("escape", "dismiss(None)", "Not yet", id="vote.leave"),
    ]

    DEFAULT_CSS = """
    VoteScreen {
        align: center bottom;
        background: $background 30%;
        & > Vertical {
            width: auto;
            min-width: 60;
            max-width: 100%;
            height: auto;
            margin-bottom: 3;
            padding: 1 2;
            border: round $primary;
            background: $surface;
        }
        & VoteQuestion { width: 64; max-width: 100%; }
        & .about { width: 64; max-width: 100%; height: auto; color: $foreground 80%; }
        & .how { margin-top: 1; }
    }
    """

    def __init__(self, sides: int) -> None:
        """For so many sides."""
        super().__init__()
        answers: dict[Mark, str] = {place: letter(place) for place in range(sides)}
        answers |= {"tie": "equal", "bad": "both bad" if sides == 2 else "all bad"}
        self._questions = [VoteQuestion(name, answers) for name in QUESTIONS]
        self._sides, self._here = sides, 0

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static("Which side is better? Then you see which it was.", classes="about", markup=False)
            yield from self._questions
            keys = " ".join(_SIDES_KEYS[: self._sides])
            how = f"{keys} choose · t equal · x {'both' if self._sides == 2 else 'all'} bad · Enter votes · Esc not yet"
            yield Static(how, classes="about how", markup=False)

    def on_mount(self) -> None:
        """Begin with the first question."""
        self.action_go(0)

    def on_vote_question_answered(self, event: VoteQuestion.Answered) -> None:
        """Take an answer that was clicked."""
        self._here = self._questions.index(event.question)
        self.action_answer(event.mark)

    def action_answer(self, mark: Mark) -> None:
        """Answer the question, and go to the next that has no answer."""
        if isinstance(mark, int) and mark >= self._sides:
            return
        self._questions[self._here].mark = mark
        left = [place for place, question in enumerate(self._questions) if question.mark is None]
        self._here = left[0] if left else self._here
        self.action_go(0)

    def action_go(self, step: int) -> None:
        """Go to another question."""
        self._here = min(max(self._here + step, 0), len(self._questions) - 1)
        for place, question in enumerate(self._questions):
            question.set_class(place == self._here, "-here")
            question.refresh()

    def action_send(self) -> None:
        """Give the vote, once every question has its answer."""
        marks = [question.mark for question in self._questions]
        if all(mark is not None for mark in marks):
            self.dismiss(tuple(mark for mark in marks if mark is not None))
