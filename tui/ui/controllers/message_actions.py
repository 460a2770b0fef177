"""What is done with messages said before: worded anew, gone on with, answered anew, read in another version."""

from collections.abc import Sequence

from tui.conversation.conversation import Conversation, Turn, edit
from tui.conversation.trace import Candidate
from tui.errors import EngineError
from tui.session.session import Session
from tui.session.side import Side
from tui.ui.controllers.presenter import Presenter
from tui.ui.widgets.pane import Pane
from tui.ui.widgets.prompt.prompt import Prompt
from tui.ui.widgets.transcript.message_list import Wish

_ABOUT = {"user": "your message, worded anew", "assistant": "the reply, worded anew"}


class MessageActions:
    """Between the transcripts' cursors and the talk. What needs a second side is the screen's."""

    def __init__(self, session: Session, panes: Sequence[Pane], presenter: Presenter, prompt: Prompt) -> None:
        """`panes` stays in step with the sides of the talk."""
        self._session, self._panes, self._presenter, self._prompt = session, panes, presenter, prompt
        self._edited: tuple[Side, int, Turn] | None = None
        self._draft = ""

    @property
    def editing(self) -> bool:
        """Whether the prompt holds a message to be worded anew."""
        return self._edited is not None

    def grant(self, wish: Wish, side: Side, turn: int) -> None:
        """Do what is wanted with a message; raises EngineError while a reply is being written, or if it is gone."""
        if side not in self._session.sides or turn >= len(side.conversation.turns):
            raise EngineError("That message is no longer there.")
        if wish == "edit":
            self._edit(side, turn)
            return
        self._check_idle()
        match wish:
            case "continue":
                self._session.continue_reply(side, turn)
                self._begin(side)
            case "again":
                self._session.answer_again(side, turn)
                self._begin(side)
            case "go":
                side.go(turn)
                self._show(side)
                self._session.preview(side)

    def branch(self, side: Side, turn: int, token: int, other: Candidate) -> None:
        """Write a reply anew from one of its tokens on; raises EngineError while a reply is being written."""
        self._check_idle()
        self._session.branch(side, turn, token, other)
        self._begin(side)

    def reworded(self, text: str) -> dict[Side, Conversation]:
        """What becomes of the conversation with this wording beside the message's; raises EngineError if it is gone."""
        side, turn = self._meant()
        return {side: edit(side.conversation, turn, text)}

    def send(self, text: str) -> None:
        """Put this wording beside the message's; raises EngineError while a reply is written, or if it is gone."""
        self._check_idle()
        side, turn = self._meant()
        self._edited = None
        self._leave()
        self._session.edit(side, turn, text)
        if side.busy:
            self._begin(side)
        else:
            self._show(side)
            self._session.preview(side)

    def give_up(self) -> None:
        """Leave the message as it is."""
        self._edited = None
        self._leave()

    def _edit(self, side: Side, turn: int) -> None:
        message = side.conversation.turns[turn].message
        if not self.editing:
            self._draft = self._prompt.text
        self._edited = side, turn, side.conversation.turns[turn]
        self._prompt.purpose = f"{_ABOUT.get(message.role, 'the message')}: Enter puts it beside, Esc leaves it"
        self._prompt.put_back(message.content)
        self._prompt.focus()

    def _meant(self) -> tuple[Side, int]:
        """The message that is worded anew, and its side: both may be gone by now."""
        assert self._edited
        side, turn, was = self._edited
        if side not in self._session.sides or was not in side.conversation.turns[turn : turn + 1]:
            self._edited, self._prompt.purpose = None, ""
            raise EngineError("The message that you were wording anew is gone; your words are in the prompt.")
        return side, turn

    def _leave(self) -> None:
        self._prompt.purpose = ""
        self._prompt.put_back(self._draft)

    def _begin(self, side: Side) -> None:
        self._show(side)
        self._presenter.begin()

    def _show(self, side: Side) -> None:
        self._panes[self._session.sides.index(side)].transcript.show(side.conversation)

    def _check_idle(self) -> None:
        if self._session.busy:
            raise EngineError("A reply is being written; press Esc to stop it first.")
