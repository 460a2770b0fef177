"""What goes in and out of the store, as values."""

from msgspec import Struct

from tui.conversation.conversation import Conversation, Message, Turn
from tui.conversation.reply_record import ReplyRecord


class ModelFile(Struct, frozen=True):
    """Which file a reply was written with."""

    path: str
    size: int
    modified: int
    """In nanoseconds."""
    sha256: str = ""
    """Empty until it was computed."""


class ReplySource(Struct, frozen=True):
    """What a reply is written from, besides the conversation."""

    opening: tuple[Message, ...] = ()
    """What the model reads first: the preset's system prompt and messages."""
    model: ModelFile | None = None
    build: str = ""
    """Version of llama-cpp-python."""


class SavedPosition(Struct, frozen=True):
    """Where a conversation stands in the file. A new one has a key of its own and nothing else."""

    key: str
    turns: tuple[int, ...] = ()
    """The numbers that its turns go by there, in their order."""
    draft: int | None = None
    """That of the reply being written."""


class SideRow(Struct, frozen=True):
    """How one of the sides was left that a conversation was talked to with, beside each other."""

    setting: str
    system: str | None = None
    """What its model was told first; None where that is not known."""
    model: str = ""
    """What its preset's FROM said, or what was put in its place."""
    tip: int | None = None
    """The turn that it read to."""


class Snapshot(Struct, frozen=True):
    """A conversation as it is now on one side, to be kept."""

    conversation: Conversation
    setting: str = ""
    """What it is talked to with."""
    draft: Turn | None = None
    """The reply being written, as far as it is there."""
    source: ReplySource = ReplySource()
    """What the newest reply is written from."""
    sources: dict[int, ReplySource] = {}
    """What replies were written from, by their places in the conversation, as far as that is known."""
    system: str | None = None
    model: str = ""
    """As in Seat."""
    side: int = 0
    """Which of the sides this is, from 0."""
    side_count: int = 1
    """How many sides keep this conversation."""


class Summary(Struct, frozen=True):
    """A conversation in a list."""

    id: int
    title: str
    setting: str
    began: float
    changed: float
    """Seconds since 1970."""
    messages: int
    found: str = ""
    """The part of a message that was searched for."""
    turn: int | None = None
    """The message it stands in."""


class StoredConversation(Struct, frozen=True):
    """A conversation as it was kept; of its traces those of the newest replies."""

    id: int
    position: SavedPosition
    title: str
    setting: str
    began: float
    changed: float
    conversation: Conversation
    at: tuple[float, ...]
    """When each turn was said."""
    sides: tuple[SideRow, ...] = ()
    """The sides that it was left with; none in a file that is older than they are."""


class StoredReply(Struct, frozen=True):
    """A reply with all that is known of how it came to be."""

    conversation: StoredConversation
    """The conversation it stands in."""
    index: int
    """Its place there."""
    record: ReplyRecord
    source: ReplySource
