"""Turns of the knobs taken back, copied and refused."""

import pytest

from tests.session.test_session import talk
from tui.engine.protocol import Died, Failed, KnobsTurned, Preview, Refused, SetKnobs
from tui.errors import Refusal
from tui.presets.library import find_preset
from tui.session.knob_actions import copy, redo, run_knob_action, undo


def test_turns_are_taken_back_and_made_again_on_their_own_side() -> None:
    two, line = talk("default", "default")
    first, second = two.sides
    two.turn(first, "top_k", 3)
    two.turn(second, "top_k", 9)
    two.turn(first, "temperature", 1.5)
    undo(two, first)
    assert (first.knobs.temperature, first.knobs.top_k, second.knobs.top_k) == (0.8, 3, 9)
    undo(two, first)
    with pytest.raises(Refusal, match="no turn of a knob to take back"):
        undo(two, first)
    redo(two, first)
    redo(two, first)
    assert (first.knobs.temperature, first.knobs.top_k) == (1.5, 3)
    with pytest.raises(Refusal, match="no turn of a knob to make again"):
        redo(two, first)
    assert line.sent == []


def test_a_drag_is_taken_back_as_one_turn_of_the_running_reply_too() -> None:
    one, line = talk("temperature=0.5")
    (it,) = one.sides
    one.commit(one.prepare("Hi"))
    for value in (0.6, 0.9, 1.4):
        one.turn(it, "temperature", value, stroke="drag")
    undo(one, it)
    assert it.knobs.temperature == 0.5
    assert it.reply and it.reply.knobs.temperature == 0.5
    assert line.sent[-1] == SetKnobs(it.reply.id, it.reply.knobs)


def test_what_loads_the_model_is_taken_back_on_every_side_and_not_in_mid_reply() -> None:
    two, _ = talk("default", "default")
    first, second = two.sides
    two.turn(first, "num_ctx", 512)
    two.commit(two.prepare("Hi"))
    with pytest.raises(Refusal, match="num_ctx loads the model anew"):
        undo(two, first)
    assert first.knobs.num_ctx == 512
    two.on_event(Died(-9, "gone", ""))
    undo(two, first)
    assert (first.knobs.num_ctx, second.knobs.num_ctx) == (0, 0)


def test_the_knobs_of_before_another_preset_can_be_had_again() -> None:
    one, _ = talk("top_k=3")
    (it,) = one.sides
    it.use_preset(find_preset("precise"))
    undo(one, it)
    assert (it.preset.name, it.knobs.top_k) == ("precise", 3)


def test_all_knobs_go_to_the_other_side_or_back_to_the_preset() -> None:
    two, _ = talk("precise,top_k=3,stop=END", "temperature=1.4")
    first, second = two.sides
    copy(two, first)
    assert second.knobs == first.knobs and second.preset.name == "default"
    run_knob_action(two, second, "reset")
    assert second.turned == ()
    undo(two, second)
    assert second.knobs == first.knobs
    alone, _ = talk()
    with pytest.raises(Refusal, match="no other side"):
        copy(alone, alone.sides[0])


def test_some_knobs_go_back_to_the_preset_as_one_step() -> None:
    one, _ = talk("precise,top_k=3,temperature=1.4,stop=END,think_top_k=9")
    (it,) = one.sides
    run_knob_action(one, it, "reset", ("top_k", "temperature", "think_top_k"))
    assert it.turned == ("stop",)
    undo(one, it)
    assert (it.knobs.top_k, it.knobs.temperature, it.pair.value("think_top_k")) == (3, 1.4, 9)


def test_what_the_engine_refuses_is_kept_until_it_is_turned() -> None:
    one, _ = talk()
    (it,) = one.sides
    one.commit(one.prepare("Hi"))
    assert it.reply
    one.turn(it, "top_k", 3)
    one.on_event(KnobsTurned(it.reply.id, 1, one.sides[0].preset.knobs, it.reply.knobs))
    one.turn(it, "regex", "(")
    one.on_event(Refused(it.reply.id, "regex: it is never closed."))
    assert it.refused == {"regex": "regex: it is never closed."}
    one.turn(it, "regex", "(a)")
    assert it.refused == {}


def test_a_reply_or_a_look_that_fails_for_a_knob_marks_it() -> None:
    one, line = talk("regex=(")
    (it,) = one.sides
    one.preview(it)
    (look,) = line.sent
    assert isinstance(look, Preview)
    one.on_event(Failed(look.id, "regex: it is never closed."))
    assert it.refused == {"regex": "regex: it is never closed."}
    one.commit(one.prepare("Hi"))
    assert it.refused == {} and it.reply
    one.on_event(Failed(it.reply.id, "The conversation is too long."))
    assert it.refused == {} and not it.busy
