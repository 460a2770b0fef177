"""A reply is written again from what is kept of it, on the real model."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.store.pages import written
from tui.cli import replay as command
from tui.conversation.conversation import Conversation, answer, ask
from tui.conversation.reply_record import KnobChange, ReplyRecord
from tui.engine.process.headless import HeadlessEngine
from tui.engine.protocol import Finished, ReplyRequest, Token
from tui.errors import ModelError, StoreError
from tui.knobs.table import Knobs, turn
from tui.store.records import ReplySource, SavedPosition, Snapshot, StoredConversation, StoredReply
from tui.store.replay import check_model, difference, expected, model_file, request
from tui.store.store import Store

KNOBS = Knobs(temperature=1.2, seed=11, num_predict=30, num_ctx=512)


async def write(model: Path, reply: ReplyRequest) -> tuple[Finished, ReplyRecord]:
    traces, starts, records, text = [], [], [], ""
    async with HeadlessEngine() as session:
        await session.load(model, reply.knobs, lambda share: None)
        async for event in session.write(reply):
            if isinstance(event, Token):
                traces.append(event.trace)
                starts.append(len(text))
                records.append(event.record)
                text += event.text
    assert isinstance(event, Finished)
    return event, ReplyRecord(
        "default", "starter", reply.knobs, knob_changes=event.knob_changes, offsets=tuple(starts), traces=tuple(traces),
        records=tuple(records), stats=event.stats,
    )  # fmt: skip


@pytest.mark.model
async def test_a_reply_with_a_turned_knob_comes_out_the_same_token_by_token(store: Store, starter: Path) -> None:
    asked = ask(Conversation(), "Name three animals.")
    lane = (KnobChange(5, turn(KNOBS, temperature=2.0)), KnobChange(9, turn(KNOBS, temperature=0.3)))
    finished, made = await write(starter, ReplyRequest("1", asked.messages, KNOBS, lane))
    said = answer(asked, finished.text, finished.ending, finished.tokens, made)
    store.save(SavedPosition("one"), Snapshot(said, source=ReplySource((), model_file(starter), command.build())))
    stored = store.reply()
    assert len(stored.record.knob_changes) == 2
    now = await command._write(request(stored), starter, len(expected(stored)))
    assert difference(stored, now) is None
    assert now == stored.record.traces, "with the same odds"
    other = replace(stored, record=replace(stored.record, knobs=replace(KNOBS, seed=12)))
    now = await command._write(request(other), starter, len(expected(other)))
    assert difference(stored, now) is not None


def stored(text: str = "one two", **more: object) -> StoredReply:
    said = answer(
        ask(Conversation(), "Hi"), text, "stop", (0, 1, 2), replace(replace(written(3), offsets=(0, 3, 7)), **more)
    )
    kept = StoredConversation(1, SavedPosition("one", (1, 2)), "", "", 0, 0, said, (0, 0))
    reply = said.turns[1].record
    assert reply
    return StoredReply(kept, 1, reply, ReplySource())


def test_what_was_there_before_the_model_went_on_is_given_to_it() -> None:
    branched = request(stored(inherited=1))
    assert (branched.messages[-1].content, branched.messages[-1].tokens) == ("one\ufffd", (0,)), "what they say counts"
    assert expected(stored(inherited=1)) == (1, 2)
    edited = request(stored(first_index=4))
    assert (edited.messages[-1].content, edited.messages[-1].tokens) == ("", ())
    with pytest.raises(StoreError, match="traces were dropped"):
        request(stored(first_index=4, offsets=()))


def test_the_first_other_token_is_told() -> None:
    one = stored()
    traces = one.record.traces
    assert difference(one, traces) is None
    other = (traces[0], replace(traces[1], id=9, text="y"), traces[2])
    found = difference(one, other)
    assert found and (found.index, found.was, found.now) == (1, "x", "y")
    found = difference(one, traces[:2])
    assert found and (found.index, found.now) == (2, "nothing")
    bare = stored(traces=())
    assert expected(bare) == (0, 1, 2), "the tokens are kept when the traces are dropped"


def test_another_model_file_is_not_taken_for_the_one_that_wrote_it(tmp_path: Path) -> None:
    file = tmp_path / "some.gguf"
    file.write_bytes(b"weights")
    recorded = model_file(file)
    assert recorded
    sha256 = check_model(recorded)
    assert len(sha256) == 64
    with pytest.raises(ModelError, match="its content has changed"):
        file.write_bytes(b"Weights")
        check_model(replace(recorded, sha256=sha256))
    with pytest.raises(ModelError, match="what was in it is not known"):
        check_model(replace(recorded, modified=1))
    with pytest.raises(ModelError, match="has 3 bytes and had 7"):
        file.write_bytes(b"abc")
        check_model(recorded)
    file.unlink()
    with pytest.raises(ModelError, match="is gone"):
        check_model(recorded)
    assert model_file(file) is None
