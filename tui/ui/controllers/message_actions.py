"""Message actions: edit, continue and answer again an older message, and go to another version of it."""

from collections.abc import Sequence

from tui.conversation.conversation import Turn, go
from tui.conversation.trace import Candidate
from tui.errors import Refusal
from tui.session.session import Asked, Session
from tui.session.side import Side
from tui.ui.controllers.host import Column, pane_of
from tui.ui.controllers.presenter import Presenter
from tui.ui.widgets.prompt.prompt import Prompt
from tui.ui.widgets.transcript.message_list import MessageAction

_PURPOSES = {"user": "your message, worded anew", "assistant": "the reply, worded anew"}


class MessageActions:
    """Actions on a message of one side. A fork needs a second side, so it is the screen's."""

    def __init__(self, session: Session, columns: Sequence[Column], presenter: Presenter, prompt: Prompt) -> None:
        self._session, self._columns, self._presenter, self._prompt = session, columns, presenter, prompt
        self._edited: tuple[Side, int, Turn] | None = None
        self._draft = ""

    @property
    def editing(self) -> bool:
        """True while the prompt holds a message that is being edited."""
        return self._edited is not None

    def run(self, action: MessageAction, side: Side, turn: int) -> None:
        """Run an action on a turn; raises Refusal while a reply is running, or if the turn is gone."""
        if side not in self._session.sides or turn >= len(side.conversation.turns):
            raise Refusal("That message is no longer there.")
        if action == "edit":
            self._edit(side, turn)
            return
        self._session.require_idle()
        match action:
            case "continue":
                self._session.continue_reply(side, turn)
                self._show_started(side)
            case "again":
                self._session.answer_again(side, turn)
                self._show_started(side)
            case "go":
                side.conversation = go(side.conversation, turn)
                self._show(side)
                self._session.preview(side)

    def branch(self, side: Side, turn: int, token: int, other: Candidate) -> None:
        """Write a reply anew from one of its tokens on; raises Refusal while a reply is running."""
        self._session.require_idle()
        self._session.branch(side, turn, token, other)
        self._show_started(side)

    def prepare(self, text: str) -> Asked:
        """Build the new version of the edited message; raises Refusal if the message is gone."""
        assert self._edited
        side, turn, before = self._edited
        if side not in self._session.sides or before not in side.conversation.turns[turn : turn + 1]:
            self._edited, self._prompt.purpose = None, ""
            raise Refusal("The message that you were wording anew is gone; your words are in the prompt.")
        return self._session.prepare_edit(side, turn, text)

    def commit(self, asked: Asked) -> None:
        """Apply the new version, and request a reply if it is a question; raises EngineError and Refusal."""
        (side,) = asked.after
        self._session.commit(asked)
        self.cancel_edit()
        if side.busy:
            self._show_started(side)
        else:
            self._show(side)
            self._session.preview(side)

    def cancel_edit(self) -> None:
        """End the edit without a change, and restore the draft in the prompt."""
        self._edited = None
        self._prompt.purpose = ""
        self._prompt.set_text(self._draft)

    def _edit(self, side: Side, turn: int) -> None:
        message = side.conversation.turns[turn].message
        if not self.editing:
            self._draft = self._prompt.text
        self._edited = side, turn, side.conversation.turns[turn]
        self._prompt.purpose = f"{_PURPOSES.get(message.role, 'the message')}: Enter puts it beside, Esc leaves it"
        self._prompt.set_text(message.content)
        self._prompt.focus()

    def _show_started(self, side: Side) -> None:
        self._show(side)
        self._presenter.show_started()

    def _show(self, side: Side) -> None:
        pane_of(self._columns, side).transcript.show(side.conversation)
