"""What is answered without the model: the next token of a position seen before, and what-if for a finished reply."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tests.engine.bench import GREEDY, Bench, question, reply
from tests.engine.scripted import Script
from tui.conversation.conversation import Message
from tui.engine.protocol import Event, Preview, Previewed, Refused, Remember, Remembered, WhatIf, WhatIfs
from tui.engine.sampling.logit_record import LogitRecord, is_whole
from tui.knobs.table import Knobs, turn

WARM = turn(Knobs(), temperature=1.3, seed=7, top_k=0, top_p=1.0, min_p=0.0)
KNOBS = st.builds(
    lambda **values: turn(WARM, **values),
    temperature=st.sampled_from((0.0, 0.5, 1.0, 2.0)),
    top_k=st.sampled_from((0, 1, 5)),
    top_p=st.sampled_from((0.5, 0.9, 1.0)),
    min_p=st.sampled_from((0.0, 0.1)),
    mirostat=st.sampled_from((0, 2)),
    strategy=st.sampled_from(("sample", "greedy")),
)


def written(knobs: Knobs = WARM) -> Bench:
    bench = Bench(Script(sureness=2.0))
    bench.ask(reply("a", knobs))
    bench.run()
    return bench


def ask(bench: Bench, command: WhatIf | Preview, newer: bool = False) -> list[Event]:
    before = len(bench.events)
    assert bench.scheduler.what_if.answer(command, newer=lambda: newer)
    return bench.events[before:]


def answers(bench: Bench, knobs: Knobs, looked: int = -1) -> list[WhatIfs]:
    return [event for event in ask(bench, WhatIf("a", knobs, looked)) if isinstance(event, WhatIfs)]


@given(KNOBS)
@settings(max_examples=depth(10, 40))
def test_what_if_the_knobs_were_those_it_was_written_with(knobs: Knobs) -> None:
    """Then every answer is what the trace said."""
    bench = written(knobs)
    parts = answers(bench, knobs)
    p = [p for part in parts for p in part.p]
    assert p == pytest.approx([token.trace.p for token in bench.tokens()["a"]], abs=1e-3)
    assert not any(cut for part in parts for cut in part.cut)


@pytest.mark.parametrize("values", [{"repeat_penalty": 1.3}, {"dry_multiplier": 0.8}, {"presence_penalty": 0.5}])
def test_penalties_see_what_was_said_before(values: dict[str, float]) -> None:
    """Those kept one by one, that is: a penalty on a token of the tail is not seen, and the bound is wider."""
    knobs = turn(WARM, **values)
    bench = written(knobs)
    p = [p for part in answers(bench, knobs) for p in part.p]
    assert p == pytest.approx([token.trace.p for token in bench.tokens()["a"]], abs=0.02)


@given(KNOBS)
@settings(max_examples=depth(10, 40))
def test_what_if_they_were_others(knobs: Knobs) -> None:
    """Then it is what the trace would have said, had that reply been written."""
    bench, tokens = written(), written().tokens()["a"]
    parts = answers(bench, knobs, looked=3)
    p, cut = [p for part in parts for p in part.p], [cut for part in parts for cut in part.cut]
    assert len(p) == len(tokens)
    assert parts[-1].complete
    assert [part.complete for part in parts[:-1]] == [False] * (len(parts) - 1)
    assert all((share == 0) == bool(stage) for share, stage in zip(p, cut, strict=True))
    (looked,) = [part.looked for part in parts if part.looked]
    assert looked.id == tokens[3].trace.id
    assert looked.p == pytest.approx(p[3], abs=1e-6)
    assert looked.p_raw == pytest.approx(tokens[3].trace.p_raw, abs=1e-3)
    assert [each.text for each in looked.candidates[:5]] == [each.text for each in tokens[3].trace.candidates[:5]]


@given(KNOBS)
@settings(max_examples=depth(10, 40))
def test_of_one_token_alone_it_says_what_it_says_of_it_among_all(knobs: Knobs) -> None:
    bench = written()
    whole, place = answers(bench, knobs, looked=3), 3
    (asked,) = [part for part in whole if part.looked]
    (alone,) = [event for event in ask(bench, WhatIf("a", knobs, place, alone=True)) if isinstance(event, WhatIfs)]
    assert alone.complete and alone.looked == asked.looked
    assert (alone.p[-1], alone.cut[-1]) == (asked.p[place - asked.first], asked.cut[place - asked.first])
    assert alone.first + len(alone.p) - 1 == place


def test_one_token_alone_is_one_answer_unless_what_was_chosen_before_counts() -> None:
    bench = written()
    for knobs, count in ((turn(WARM, top_k=3), 1), (turn(WARM, mirostat=2), 4)):
        (alone,) = [event for event in ask(bench, WhatIf("a", knobs, 3, alone=True)) if isinstance(event, WhatIfs)]
        assert len(alone.p) == count


def test_a_newer_question_ends_the_answer() -> None:
    bench = written()
    assert ask(bench, WhatIf("a", WARM), newer=True) == []


def test_an_unknown_reply_is_said_to_be_unknown() -> None:
    (refused,) = ask(written(), WhatIf("z", WARM))
    assert isinstance(refused, Refused)


def test_a_reply_can_be_brought_back() -> None:
    first, second = written(), Bench(Script())
    tokens = first.tokens()["a"]
    ids, records = tuple(token.trace.id for token in tokens), tuple(token.record for token in tokens)
    second.scheduler.remember(Remember("a", question(), ids, records, WARM))
    knobs = turn(WARM, temperature=0.4)
    assert [part.p for part in answers(second, knobs)] == [part.p for part in answers(first, knobs)]


@pytest.mark.parametrize("vocabulary", [259, 2**32 - 1])
def test_what_another_model_wrote_is_refused(vocabulary: int) -> None:
    """A record says how large its vocabulary is, and room is made for so many logits."""
    bench = written()
    tokens = bench.tokens()["a"]
    records = [vocabulary.to_bytes(4, "little") + token.record[4:] for token in tokens]
    ids = tuple(token.trace.id for token in tokens)
    bench.scheduler.remember(Remember("b", question(), ids, tuple(records), WARM))
    assert bench.events[-1] == Refused("b", "This reply was written by another model.")


@pytest.mark.parametrize("stray", [-1, 258])
def test_a_token_that_the_model_does_not_have_is_refused(stray: int) -> None:
    bench = written()
    record = bench.tokens()["a"][0].record
    bench.scheduler.remember(Remember("b", question(), (stray,), (record,), WARM))
    assert bench.events[-1] == Refused("b", "This reply was written by another model.")


def test_the_token_after_a_reply_is_shown_without_the_model() -> None:
    bench = written(GREEDY)
    done, decoded = bench.finished("a"), bench.backend.decoded
    messages = (*question(), Message("assistant", done.text, done.tokens))
    bench.scheduler.prompts.write(messages)
    (shown,) = ask(bench, Preview("p", messages, WARM))
    assert isinstance(shown, Previewed)
    assert shown.trace.id == -1
    assert shown.trace.candidates[0].id == bench.tokens()["a"][-1].trace.id
    assert bench.backend.decoded == decoded


def test_a_position_not_seen_is_left_to_the_model() -> None:
    bench = written()
    preview = Preview("p", question("Something else"), WARM)
    assert not bench.scheduler.what_if.answer(preview, newer=lambda: False)
    bench.scheduler.preview(preview)
    bench.run()
    assert bench.scheduler.what_if.answer(preview, newer=lambda: False)


@pytest.mark.parametrize("spoil", [lambda records: records[:-1], lambda records: (b"", *records[1:])])
def test_a_reply_whose_records_are_damaged_is_refused(spoil: Callable[[tuple[bytes, ...]], tuple[bytes, ...]]) -> None:
    bench = written()
    tokens = bench.tokens()["a"]
    ids, records = tuple(token.trace.id for token in tokens), tuple(token.record for token in tokens)
    for kept, answer in ((records, Remembered), (spoil(records), Refused)):
        bench.scheduler.remember(Remember("b", question(), ids, kept, WARM))
        assert isinstance(bench.events[-1], answer)


@pytest.fixture(scope="module")
def record() -> bytes:
    return written().tokens()["a"][0].record


@given(st.data())
@settings(max_examples=depth(40, 200))
def test_a_record_that_counts_as_whole_can_be_read_whatever_it_holds(record: bytes, data: st.DataObject) -> None:
    packed = bytearray(record)
    for place in data.draw(st.lists(st.integers(0, len(packed) - 1), min_size=1, max_size=4)):
        packed[place] = data.draw(st.integers(0, 255))
    if is_whole(bytes(packed)):
        whole = LogitRecord(bytes(packed))
        assert len(whole.candidates(1.0)) <= whole.vocabulary == len(whole.logits())
