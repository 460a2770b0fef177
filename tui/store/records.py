"""Values that go in and out of the store, and text as its file can hold it."""

from msgspec import Struct

from tui.conversation.conversation import Conversation, Message, Turn
from tui.conversation.reply_record import ReplyRecord


class ModelFile(Struct, frozen=True):
    """Identity of a model file."""

    path: str
    size: int
    modified: int
    """In nanoseconds."""
    sha256: str = ""
    """Empty until computed."""


class ReplySource(Struct, frozen=True):
    """Inputs of a reply besides the conversation."""

    opening: tuple[Message, ...] = ()
    """System prompt and messages of the preset."""
    model: ModelFile | None = None
    build: str = ""
    """Version of llama-cpp-python."""


class SavedPosition(Struct, frozen=True):
    """Row ids of a conversation in the file. A new conversation has only its key."""

    key: str
    turns: tuple[int, ...] = ()
    """Row ids of its turns, in order."""
    draft: int | None = None
    """Row id of the reply being written."""


class SideRow(Struct, frozen=True):
    """State of one side when the conversation was last saved."""

    setting: str
    system: str | None = None
    """System prompt; None where it is not known."""
    model: str = ""
    """Model reference, as FROM names it."""
    tip: int | None = None
    """Index of the last turn of its branch."""


class Snapshot(Struct, frozen=True):
    """State of a conversation on one side, to be saved."""

    conversation: Conversation
    setting: str = ""
    """SETTING of the side, as text."""
    draft: Turn | None = None
    """Running reply so far."""
    source: ReplySource = ReplySource()
    """Source of the newest reply."""
    sources: dict[int, ReplySource] = {}
    """Sources of other replies by turn index, where known."""
    system: str | None = None
    model: str = ""
    """As in SideRow."""
    side: int = 0
    """Index of this side."""
    side_count: int = 1
    """Number of sides that share the conversation."""


class Summary(Struct, frozen=True):
    """One line of a list of conversations."""

    id: int
    title: str
    setting: str
    began: float
    changed: float
    """Seconds since 1970."""
    messages: int
    found: str = ""
    """Excerpt around the words searched for."""
    turn: int | None = None
    """Row id of the message with the excerpt."""


class StoredConversation(Struct, frozen=True):
    """A conversation loaded from the file, with the traces of its newest replies."""

    id: int
    position: SavedPosition
    title: str
    setting: str
    began: float
    changed: float
    conversation: Conversation
    at: tuple[float, ...]
    """Time of each turn, in seconds since 1970."""
    sides: tuple[SideRow, ...] = ()
    """Sides it was last saved with; empty in a file from before there were sides."""


class StoredReply(Struct, frozen=True):
    """A reply with its record and its source."""

    conversation: StoredConversation
    """Conversation of the reply."""
    index: int
    """Index of its turn."""
    record: ReplyRecord
    source: ReplySource


LONGEST = 60
"""Characters."""


def writable(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot encode."""
    return text.encode("utf-8", "replace").decode()


def title_of(question: str) -> str:
    """Return the first line that is not blank, cut at a word."""
    line = next((" ".join(line.split()) for line in question.splitlines() if line.strip()), "")
    if len(line) <= LONGEST:
        return line
    cut = line[: LONGEST - 1]
    whole = cut.rsplit(" ", 1)[0] if " " in cut[LONGEST // 2 :] and line[LONGEST - 1] != " " else cut.rstrip()
    return f"{whole}…"
