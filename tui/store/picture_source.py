"""Content of a picture of a saved conversation."""

from collections.abc import Iterator

from tui.comparison.picture_content import PictureContent, collect_replies
from tui.conversation.conversation import Conversation, Turn, last_reply, until, with_record
from tui.errors import StoreError
from tui.store.export import speaker
from tui.store.records import StoredConversation
from tui.store.store import Store


def show(store: Store, number: int, message: int | None = None) -> PictureContent:
    """Load one reply, else the last reply of every side; raises StoreError."""
    kept = store.load(number, recent=0)
    return collect_replies(
        (title, _whole(store, kept, conversation, place), place) for title, conversation, place in _meant(kept, message)
    )


def _meant(kept: StoredConversation, message: int | None) -> Iterator[tuple[str, Conversation, int]]:
    conversation = kept.conversation
    if message is not None:
        if message not in kept.position.turns:
            raise StoreError(
                f"Message {message} is not in conversation {kept.id}; "
                f"`twiddle history show {kept.id}` gives the numbers."
            )
        place = kept.position.turns.index(message)
        if conversation.turns[place].message.role != "assistant":
            raise StoreError(f"Message {message} is not a reply.")
        yield _title(conversation.turns[place]), conversation, place
        return
    several = len(kept.sides) > 1
    sides = [(row.setting, until(conversation, row.tip)) for row in kept.sides] if several else [("", conversation)]
    found = [
        (title or _title(read.turns[last]), read, last)
        for title, read in sides
        if (last := last_reply(read)) is not None and read.turns[last].message.content
    ]
    if not found:
        raise StoreError(f"There is no reply in conversation {kept.id} yet.")
    yield from found


def _title(turn: Turn) -> str:
    temperature = f" · temperature {turn.record.knobs.temperature:g}" if turn.record else ""
    return f"{speaker(turn)}{temperature}"


def _whole(store: Store, kept: StoredConversation, conversation: Conversation, place: int) -> Conversation:
    """Return the conversation with the traces of one reply loaded; raises StoreError."""
    turn, number = conversation.turns[place], kept.position.turns[place]
    written = store.recall(number, turn.record) if turn.record else None
    if written is None or not written.traces:
        raise StoreError(f"How the tokens of message {number} were chosen is not known, or no longer kept.")
    return with_record(conversation, place, written)
