"""What happens when the context is full, when prompts share their beginnings, and when an end is wanted at once."""

import threading
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tests.engine.bench import GREEDY, Bench, question, reply
from tests.engine.scripted import Script
from tui.conversation.conversation import Message
from tui.engine.backend import BatchRow, Decoded, Interrupted
from tui.engine.decode.scheduler import PrefillPacer
from tui.engine.protocol import Failed, Finished, Generate, Refused, ReplyRequest, SetKnobs, Shifted, Stop
from tui.knobs.table import turn

LONG = "abcdefghij" * 40
SHIFT = turn(GREEDY, context_full="shift", num_predict=400)


def system(text: str, question: str = "Hi") -> tuple[Message, ...]:
    return (Message("system", text), Message("user", question))


# --- full ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shiftable", [True, False])
def test_a_shift_goes_on_past_the_end_of_the_context(shiftable: bool) -> None:
    bench = Bench(Script(replies=(LONG,), context=200))
    bench.backend.shiftable = shiftable
    bench.ask(ReplyRequest("a", system("Be brief."), SHIFT))
    bench.run()
    shifts = [event for event in bench.events if isinstance(event, Shifted)]
    assert shifts
    assert all(event.dropped > 0 for event in shifts)
    assert len(bench.tokens()["a"]) > 200
    assert max(token.used for token in bench.tokens()["a"]) <= 200


def test_a_shift_keeps_the_system_prompt_and_num_keep() -> None:
    for knobs, kept in ((SHIFT, "Be brief."), (turn(SHIFT, num_keep=60), "Be brief.")):
        bench = Bench(Script(replies=(LONG,), context=200))
        bench.ask(ReplyRequest("a", system("Be brief."), knobs))
        prompt = bench.scheduler._tree.branches[0].tokens[:]
        while not any(isinstance(event, Shifted) for event in bench.events):
            bench.scheduler.step()
        (branch,) = bench.scheduler._tree.branches
        assert kept.encode() in bytes(token for token in branch.tokens if token < 256)
        count = min(max(knobs.num_keep, 10), len(prompt))
        assert branch.tokens[:count] == prompt[:count]


def test_c08_by_default_a_full_context_ends_the_reply() -> None:
    bench = Bench(Script(replies=(LONG,), context=200))
    bench.ask(ReplyRequest("a", system("Be brief."), GREEDY))
    bench.run()
    assert bench.finished("a").ending == "length"
    assert bench.tokens()["a"][-1].used == 200


def test_what_a_shift_has_left_is_not_taken_for_what_was_read() -> None:
    """After a shift the cache holds numbers worked out with tokens before them that are gone."""
    bench = Bench(Script(replies=(LONG,), context=200))
    bench.ask(ReplyRequest("a", system("Be brief."), turn(SHIFT, num_predict=250)))
    bench.run()
    bench.ask(ReplyRequest("b", system("Be brief."), turn(GREEDY, num_predict=20)))
    bench.run()
    fresh = Bench(Script(replies=(LONG,), context=200))
    fresh.ask(ReplyRequest("b", system("Be brief."), turn(GREEDY, num_predict=20)))
    fresh.run()
    assert bench.finished("b").tokens == fresh.finished("b").tokens


def test_two_that_share_a_context_both_go_on() -> None:
    bench = Bench(Script(replies=(LONG,), context=260))
    bench.ask(ReplyRequest("a", system("One."), SHIFT), ReplyRequest("b", system("Two."), SHIFT))
    bench.run()
    assert {event.id for event in bench.events if isinstance(event, Finished)} == {"a", "b"}


# --- shared beginnings --------------------------------------------------------------------------------------------


def test_prompts_that_begin_alike_are_read_together_as_far_as_they_do() -> None:
    opening = "You are a poet. " * 20
    bench = Bench(Script())
    bench.ask(ReplyRequest("a", system(opening, "A"), GREEDY), ReplyRequest("b", system(opening, "B?"), GREEDY))
    bench.run()
    alone = Bench(Script())
    alone.ask(ReplyRequest("a", system(opening, "A"), GREEDY))
    alone.run()
    read = bench.finished("b").stats
    assert read.prompt_tokens - read.reused_tokens < 40
    assert bench.backend.decoded < alone.backend.decoded + 120
    assert bench.finished("a").text == bench.finished("b").text == Script().replies[0]


def test_a_second_with_the_same_prompt_that_comes_while_it_is_read_reads_one_token() -> None:
    bench = Bench(Script())
    bench.backend.batch = 64
    bench.ask(reply("a", text="long " * 100))
    bench.scheduler.step()
    bench.ask(reply("b", text="long " * 100))
    bench.run()
    stats = bench.finished("b").stats
    assert stats.prompt_tokens - stats.reused_tokens == 1


def test_when_the_one_that_reads_is_stopped_the_other_takes_over() -> None:
    bench = Bench(Script())
    bench.backend.batch = 64
    bench.ask(reply("a", text="long " * 100), reply("b", text="long " * 100 + "!"))
    bench.scheduler.step()
    bench.scheduler.stop(Stop("a"))
    bench.run()
    assert bench.finished("b").text == Script().replies[0]


# --- waiting ------------------------------------------------------------------------------------------------------


@given(st.floats(0.001, 0.05), st.floats(0.0002, 0.02), st.integers(1, 8))
def test_no_slice_makes_a_reply_wait_for_more_than_two_of_its_steps(step: float, token: float, writing: int) -> None:
    pace = PrefillPacer()
    for _ in range(60):
        pace.record(writing, 0, step)
        reading = pace.slice(writing, 512)
        pace.record(writing, reading, step + reading * token)
    assert pace.slice(writing, 512) == 1 or step + pace.slice(writing, 512) * token <= 2.2 * step


def test_a_short_prompt_does_not_wait_for_a_long_one() -> None:
    bench = Bench(Script())
    bench.backend.batch = 64
    bench.ask(reply("long", text="long " * 300), reply("short", text="short"))
    bench.run()
    order = [event.id for event in bench.events if isinstance(event, Finished)]
    assert order == ["short", "long"]


# --- stopping -----------------------------------------------------------------------------------------------------


def test_whoever_wants_an_end_waits_for_no_prompt() -> None:
    bench = Bench(Script(delay=30.0))
    bench.ask(reply("a", text="long " * 300))
    threading.Timer(0.05, bench.backend.interrupt.set).start()
    bench.scheduler.step()
    assert not bench.backend.decoded, "the decode was broken off"
    bench.scheduler.stop(Stop("a"))
    assert bench.finished("a").ending == "stopped"


@given(st.lists(st.booleans(), min_size=1, max_size=30))
@settings(max_examples=depth(10, 20))
def test_c12_interrupts_change_nothing(storm: list[bool]) -> None:
    bench = Bench(Script())
    bench.backend.batch = 64
    bench.ask(reply("a", text="long " * 60), reply("b", text="long " * 50))
    for interrupted in storm:
        if interrupted:
            bench.backend.interrupt.set()
        bench.scheduler.step()
        bench.backend.interrupt.clear()
    bench.run()
    assert bench.finished("a").text == bench.finished("b").text == Script().replies[0]


def test_a_memory_that_is_one_running_state_begins_anew_after_an_interrupt() -> None:
    bench = Bench(Script())
    bench.backend.cuttable, bench.backend.batch = False, 64
    decode = bench.backend.decode

    def broken_off(rows: Sequence[BatchRow]) -> Decoded:
        decode(rows[: len(rows) // 2])
        raise Interrupted

    bench.ask(reply("a", text="long " * 60), reply("b", text="long " * 50))
    for step in range(9):
        bench.backend.decode = broken_off if step % 4 == 2 else decode  # type: ignore[method-assign]
        bench.scheduler.step()
    bench.backend.decode = decode  # type: ignore[method-assign]
    bench.run()
    assert bench.finished("a").text == bench.finished("b").text == Script().replies[0]


def test_too_many_hypotheses_are_refused() -> None:
    beam = turn(GREEDY, strategy="beam", num_beams=8)
    bench = Bench(Script())
    bench.scheduler.generate(Generate(tuple(ReplyRequest(str(i), question(), beam) for i in range(7))))
    refused = [event for event in bench.events if isinstance(event, Failed)]
    assert [event.id for event in refused] == ["5", "6"]
    assert "fewer beams" in refused[0].reason
    bench.run()


def test_a_decode_that_fails_takes_with_it_only_those_in_it() -> None:
    bench = Bench(Script())
    decode = bench.backend.decode

    def fail(rows: list[BatchRow]) -> Decoded:
        from tui.errors import EngineError

        raise EngineError("no")

    bench.ask(reply("a"), ReplyRequest("b", question(), turn(GREEDY, strategy="beam")))
    for _ in range(5):
        bench.scheduler.step()
    bench.backend.decode = fail  # type: ignore[method-assign, assignment]
    bench.scheduler.step()
    bench.backend.decode = decode  # type: ignore[method-assign]
    assert sorted(event.id for event in bench.events if isinstance(event, Failed)) == ["a", "b"]
    assert not bench.scheduler.busy
    bench.ask(reply("c"))
    bench.run()
    assert bench.finished("c").text == Script().replies[0]


def test_a_search_turned_on_while_others_run_finds_room_or_is_refused() -> None:
    bench, beam = Bench(Script(replies=(LONG,))), turn(GREEDY, strategy="beam", num_beams=8)
    bench.scheduler.generate(Generate(tuple(ReplyRequest(str(i), question(), turn(GREEDY, seed=i)) for i in range(8))))
    for _ in range(3):
        bench.scheduler.step()
    for i in range(8):
        bench.scheduler.set_knobs(SetKnobs(str(i), beam))
    for _ in range(20):
        bench.scheduler.step()
    refused = [event.id for event in bench.events if isinstance(event, Refused)]
    assert 3 <= len(refused) < 8
    bench.scheduler.abandon("Another model is being loaded.")
    assert sorted(event.id for event in bench.events if isinstance(event, Failed)) == [str(i) for i in range(8)]
    assert not bench.scheduler.busy
