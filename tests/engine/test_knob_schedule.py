"""A reply can be written again: its seed and the lane of its changes are all it takes."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tests.engine.bench import Bench, question, reply
from tests.engine.dice import Dice, Table
from tui.conversation.conversation import Message
from tui.conversation.reply_record import KnobChange
from tui.engine.protocol import KnobsTurned, ReplyRequest, SetKnobs
from tui.knobs.table import Knobs, turn

WARM = turn(Knobs(), temperature=1.5, seed=7, top_k=0, top_p=1.0, min_p=0.0, num_predict=60, logit_bias=("#257:-4",))


def table() -> Table:
    return Table(Dice("abcdefgh", 5))


def ids(bench: Bench, reply_id: str = "a") -> list[int]:
    return [token.trace.id for token in bench.tokens()[reply_id]]


@given(st.integers(0, 1000))
@settings(max_examples=depth(10, 25))
def test_the_lane_writes_the_same_reply_again(seed: int) -> None:
    turns, live = random.Random(seed), table()
    live.ask(reply("a", WARM))
    while live.scheduler.busy:
        if turns.random() < 0.1:
            values = {"temperature": turns.choice((0.0, 0.7, 2.0)), "top_k": turns.choice((0, 3))}
            live.scheduler.set_knobs(SetKnobs("a", turn(WARM, **values)))
        live.scheduler.step()
    done = live.finished("a")
    again = table()
    again.ask(ReplyRequest("a", question(), WARM, knob_changes=done.knob_changes))
    again.run()
    assert ids(again) == ids(live)
    assert again.finished("a").knob_changes == done.knob_changes
    assert [event.index for event in again.events if isinstance(event, KnobsTurned)] == [
        each.index for each in done.knob_changes
    ]


def test_a_turn_by_hand_ends_the_lane() -> None:
    bench, hot = table(), turn(WARM, temperature=3.0)
    bench.ask(ReplyRequest("a", question(), WARM, knob_changes=(KnobChange(30, hot),)))
    for _ in range(10):
        bench.scheduler.step()
    bench.scheduler.set_knobs(SetKnobs("a", turn(WARM, temperature=0.0)))
    bench.run()
    (change,) = bench.finished("a").knob_changes
    assert change.knobs.temperature == 0.0


@given(st.integers(1, 50))
@settings(max_examples=depth(10, 25))
def test_what_goes_on_from_a_token_keeps_the_draws_after_it(index: int) -> None:
    bench = table()
    bench.ask(reply("a", WARM))
    bench.run()
    whole = bench.tokens()["a"]
    index = min(index, len(whole) - 2)
    begun = Message("assistant", "".join(token.text for token in whole[:index]), tuple(ids(bench)[:index]))
    bench.ask(ReplyRequest("b", (*question(), begun), turn(WARM, num_predict=60 - index)))
    bench.run()
    rest = bench.tokens()["b"]
    assert [token.index for token in rest] == list(range(index, len(whole)))
    assert [token.trace.id for token in rest] == [token.trace.id for token in whole[index:]]
    stats = bench.finished("b").stats
    assert stats.prompt_tokens - stats.reused_tokens <= 1


def test_a_branch_at_a_token_evaluates_that_token() -> None:
    bench = table()
    bench.ask(reply("a", WARM))
    bench.run()
    tokens = ids(bench)
    branched = (*tokens[:10], ord("!"))
    other = Message("assistant", bytes(branched).decode(), branched)
    bench.ask(ReplyRequest("b", (*question(), other), WARM))
    bench.run()
    stats = bench.finished("b").stats
    assert stats.prompt_tokens - stats.reused_tokens == 1
