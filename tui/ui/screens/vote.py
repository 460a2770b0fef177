"""Dialogs of a blind comparison: the ballot on its hidden sides, and the tally of the votes."""

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from tui.comparison.votes import QUESTIONS, Mark, Score, Vote, VoteTally, letter
from tui.terminal import safe_line, truncate
from tui.ui.bindings import bind
from tui.ui.screens.dialog import Dialog

_SIDES_KEYS = "abcd"


class VoteQuestion(Widget):
    """Question with its answers beside it, the given one marked."""

    ALLOW_SELECT = False

    mark: reactive[Mark | None] = reactive[Mark | None](None)
    """Answer, or None while the question has none."""

    class Answered(Message):
        """Click on an answer."""

        def __init__(self, question: "VoteQuestion", mark: Mark) -> None:
            super().__init__()
            self.question, self.mark = question, mark

    def __init__(self, name: str, answers: dict[Mark, str]) -> None:
        super().__init__()
        self._name, self._answers = name, answers

    def render(self) -> Content:
        """Return the question and its choices on one line."""
        return Content(self._lead + "".join(self._cells.values()))

    @property
    def _lead(self) -> str:
        return f"{'▸' if self.has_class('-here') else ' '} {self._name:<13}"

    @property
    def _cells(self) -> dict[Mark, str]:
        return {mark: f" {'●' if mark == self.mark else '○'} {answer} " for mark, answer in self._answers.items()}

    def on_click(self, event: events.Click) -> None:
        """Post the answer under the mouse."""
        column = event.x - len(self._lead)
        for mark, cell in self._cells.items():
            if 0 <= column < len(cell):
                self.post_message(self.Answered(self, mark))
                return
            column -= len(cell)


class VoteScreen(Dialog[Vote | None]):
    """Ballot with a row for each question. The result is the vote, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(bind(key, f"answer({index})", letter(index), id=f"vote.{key}") for index, key in enumerate(_SIDES_KEYS)),
        bind("t", "answer('tie')", "Equal", id="vote.equal"),
        bind("x", "answer('bad')", "None is good", id="vote.bad"),
        bind("up", "go(-1)", "Question above", id="vote.above"),
        bind("down", "go(1)", "Question below", id="vote.below"),
        bind("enter", "send", "Vote", id="vote.send", show=True),
        bind("escape", "dismiss(None)", "Not yet", id="vote.leave", show=True),
    ]

    def __init__(self, sides: int) -> None:
        """`sides` is the number of hidden sides."""
        super().__init__()
        answers: dict[Mark, str] = {index: letter(index) for index in range(sides)}
        answers |= {"tie": "equal", "bad": "both bad" if sides == 2 else "all bad"}
        self._questions = [VoteQuestion(name, answers) for name in QUESTIONS]
        self._sides, self._index = sides, 0

    def compose(self) -> ComposeResult:
        """Yield the content in a frame."""
        yield Vertical(*self.content(), classes="frame")  # no footer: the last line has the keys

    def content(self) -> Iterable[Widget]:
        """Yield the questions and the keys that answer them."""
        yield Static("Which side is better? Then you see which it was.", classes="about", markup=False)
        yield from self._questions
        keys = " ".join(_SIDES_KEYS[: self._sides])
        how = f"{keys} choose · t equal · x {'both' if self._sides == 2 else 'all'} bad · Enter votes · Esc not yet"
        yield Static(how, classes="about how", markup=False)

    def on_mount(self) -> None:
        """Highlight the first question."""
        self.action_go(0)

    def on_vote_question_answered(self, event: VoteQuestion.Answered) -> None:
        """Give the clicked answer."""
        self._index = self._questions.index(event.question)
        self.action_answer(event.mark)

    def action_answer(self, mark: Mark) -> None:
        """Answer the highlighted question, and go to the next unanswered one."""
        if isinstance(mark, int) and mark >= self._sides:
            return
        self._questions[self._index].mark = mark
        left = [index for index, question in enumerate(self._questions) if question.mark is None]
        self._index = left[0] if left else self._index
        self.action_go(0)

    def action_go(self, step: int) -> None:
        """Highlight the question `step` rows below."""
        self._index = min(max(self._index + step, 0), len(self._questions) - 1)
        for index, question in enumerate(self._questions):
            question.set_class(index == self._index, "-here")
            question.refresh()

    def action_send(self) -> None:
        """Give the vote, once every question is answered."""
        marks = [question.mark for question in self._questions]
        if all(mark is not None for mark in marks):
            self.dismiss(tuple(mark for mark in marks if mark is not None))


_NAME, _COLUMN = 28, 15


class TallyScreen(Dialog[bool]):
    """Table with a row for each setting, the best first. The result is True if another round is wanted."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("b", "again", "Another round", id="tally.again", tooltip="Another blind round", show=True),
        bind("escape,enter,q", "dismiss(False)", "Back", id="tally.leave", show=True, key_display="esc"),
    ]

    def __init__(self, tally: VoteTally, shown: Sequence[str], several: bool) -> None:
        """`shown` names the sides after a vote, a line each; `several` is True if there can be another round."""
        super().__init__()
        self._tally, self._shown, self._several = tally, shown, several

    def content(self) -> Iterable[Widget]:
        """Yield the names of the sides after a vote, and the table of all votes."""
        names = (Static(Content.styled(safe_line(line), "bold"), markup=False) for line in self._shown)
        yield VerticalScroll(*names, Static(Content("\n").join(self._lines()), markup=False))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer another round only while there are several sides."""
        return self._several if action == "again" else True

    def action_again(self) -> None:
        """Ask for another round."""
        self.dismiss(True)

    def _lines(self) -> Iterator[Content]:
        if self._shown:
            yield Content()
        if not self._tally.scores:
            yield Content("No votes yet. /blind hides which side is which, F7 votes.")
            return
        yield Content.styled(f"{'':<{_NAME}}" + "".join(f"{question:>{_COLUMN}}" for question in QUESTIONS), "italic")
        for name in self._tally.ranked:
            scores = self._tally.scores[name]
            cells = "".join(f"{_cell(score):>{_COLUMN}}" for score in scores)
            yield Content.assemble((f"{safe_line(truncate(name, _NAME - 1)):<{_NAME}}", "bold"), cells)
        yield Content()
        yield Content.styled("better-equal-worse, then how often no side was good; this run only", "$foreground 75%")
        yield Content()


def _cell(score: Score) -> str:
    return f"{score.better}-{score.tied}-{score.worse}" + (f" ✗{score.bad}" if score.bad else "")
