"""With `reproducible on` a reply comes out the same, whatever was evaluated before and whatever is beside it."""

from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tests.engine.bench import question, reply
from tests.engine.scripted import Script
from tests.engine.touchy import Scene, said
from tui.conversation.conversation import Message
from tui.conversation.reply_record import KnobChange
from tui.engine.decode.scheduler import SLICE
from tui.engine.protocol import Generate, Preview, ReplyRequest, SetKnobs, Shifted, Stop, Token, Waits
from tui.knobs.table import Knobs, turn

WARM = turn(Knobs(), temperature=1.5, seed=7, top_k=0, top_p=1.0, min_p=0.0, num_predict=24)
LONG = "Why? " * 50


def alone(asked: ReplyRequest, script: Script = Script()) -> tuple[int, ...]:
    """What comes of a reply in a fresh engine that does nothing else."""
    return Scene(script).write(asked)[0].tokens


def test_a_prompt_is_read_in_slices_and_a_reply_token_by_token() -> None:
    scene = Scene()
    stats = scene.write(reply("a", WARM, LONG))[0].stats
    prompt, written = stats.prompt_tokens, stats.generated_tokens
    whole, rest = divmod(prompt, SLICE)
    assert whole > 2
    assert scene.backend.batches[: whole + 1] == [(SLICE, SLICE * (n + 1)) for n in range(whole)] + [(rest, prompt)]
    assert scene.backend.batches[whole + 1 :] == [(1, prompt + n) for n in range(1, written)]


def test_replies_wait_for_each_other_and_each_is_worked_out_as_it_would_be_alone() -> None:
    other = turn(WARM, seed=8)
    scene = Scene()
    first, second, third = scene.write(reply("a", WARM, LONG), reply("b", other, LONG), reply("c", WARM, LONG))
    assert first.tokens == third.tokens == alone(reply("a", WARM, LONG))
    assert second.tokens == alone(reply("b", other, LONG)) != first.tokens
    order = [event.id for event in scene.events if isinstance(event, Token)]
    assert [each for each, _ in groupby(order)] == ["a", "b", "c"]
    assert [event.id for event in scene.events if isinstance(event, Waits)] == ["b", "c"]
    beside = Scene(reproducible=False)
    together = beside.write(reply("a", WARM, LONG), reply("b", other, LONG))
    assert together[1].tokens != second.tokens, "else this model notices nothing"


def test_the_next_turn_reads_whole_slices_out_of_the_cache() -> None:
    scene = Scene()
    (first,) = scene.write(reply("a", WARM, LONG))
    messages = (*question(LONG), said(first), Message("user", "And then?"))
    (second,) = scene.write(ReplyRequest("b", messages, WARM))
    assert second.stats.reused_tokens == first.stats.prompt_tokens // SLICE * SLICE
    assert second.tokens == alone(ReplyRequest("b", messages, WARM))
    (again,) = scene.write(ReplyRequest("c", messages, WARM))
    assert again.stats.reused_tokens >= second.stats.reused_tokens
    assert again.tokens == second.tokens


@pytest.mark.parametrize("strategy", ["beam", "contrastive"])
def test_a_search_comes_out_the_same_too(strategy: str) -> None:
    asked = reply("b", turn(WARM, strategy=strategy), LONG)
    scene = Scene()
    scene.write(reply("a", WARM, LONG))
    assert scene.write(asked)[0].tokens == alone(asked)


def test_a_search_turned_on_in_mid_reply_comes_out_the_same_beside_one_that_waits() -> None:
    lane = tuple(
        KnobChange(at, turn(WARM, strategy=to)) for at, to in ((4, "contrastive"), (9, "beam"), (15, "sample"))
    )
    asked = ReplyRequest("b", question(LONG), WARM, lane)
    scene = Scene()
    scene.ask(asked, reply("c", WARM, LONG))
    scene.run()
    assert scene.finished("b").tokens == alone(asked)
    assert scene.finished("c").tokens == alone(reply("c", WARM, LONG))


def test_what_a_shift_has_turned_is_not_read_again() -> None:
    script = Script(replies=("All is well. " * 40,), context=300)
    endless = turn(WARM, context_full="shift", num_predict=400)
    scene = Scene(script)
    done = scene.write(reply("a", endless, LONG[:80]))[0]
    assert any(isinstance(event, Shifted) for event in scene.events)
    assert done.tokens == alone(reply("a", endless, LONG[:80]), script)
    asked = reply("b", WARM, LONG[:80])
    assert scene.write(asked)[0].tokens == alone(asked, script)


@settings(max_examples=depth(12, 60))
@given(st.data())
def test_nothing_that_happens_in_between_changes_a_reply(data: st.DataObject) -> None:
    scene = Scene(Script(context=700))
    asked: dict[str, ReplyRequest] = {}
    for index in range(data.draw(st.integers(2, 8))):
        text = LONG[: data.draw(st.sampled_from((3, 60, 64, 130, 250)))] + data.draw(st.sampled_from(("", "x" * 90)))
        search = data.draw(st.sampled_from(("sample", "sample", "beam", "contrastive", "greedy")))
        knobs = turn(WARM, seed=index % 3, strategy=search, num_predict=data.draw(st.integers(1, 12)))
        new = reply(str(index), knobs, text)
        if data.draw(st.booleans()):
            scene.scheduler.preview(Preview("look", question(text[:-2]), knobs))
        scene.scheduler.generate(Generate((new,)))
        asked[new.id] = new
        for _ in range(data.draw(st.integers(0, 30))):
            if scene.scheduler.busy:
                scene.scheduler.step()
        # What a beam search writes when it is stopped is the best so far.
        stoppable = [each for each, of in asked.items() if of.knobs.strategy != "beam"]
        if stoppable and data.draw(st.integers(0, 4)) == 0:
            scene.scheduler.stop(Stop(data.draw(st.sampled_from(stoppable))))
    scene.run()
    for new in asked.values():
        done, wanted = scene.finished(new.id), alone(new, Script(context=700))
        assert done.tokens == (wanted[: len(done.tokens)] if done.ending == "stopped" else wanted)


def test_a_turn_by_hand_is_written_again_from_its_lane() -> None:
    scene = Scene()
    scene.ask(reply("a", WARM, LONG), reply("b", WARM, LONG))
    while len(scene.tokens()["a"]) < 5:
        scene.scheduler.step()
    scene.scheduler.set_knobs(SetKnobs("a", turn(WARM, temperature=0.6)))
    scene.run()
    done = scene.finished("a")
    assert done.knob_changes
    assert done.tokens == alone(ReplyRequest("a", question(LONG), WARM, done.knob_changes))
    assert scene.finished("b").tokens == alone(reply("b", WARM, LONG))
