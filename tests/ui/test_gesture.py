"""Which turns of a knob are one step to take back."""

from functools import partial

from tests.engine.scripted import Script
from tests.ui.driver import Chat, OpenChat
from tui.ui.widgets.knobs.gesture import REST, Gesture


def test_a_movement_goes_on_until_the_hand_rests_or_does_something_else() -> None:
    now = 0.0
    hand = Gesture(clock=lambda: now)
    first = hand.stroke("up")
    now = REST
    assert hand.stroke("up") is first
    now = 2 * REST
    assert hand.stroke("up") is first, "it is the pause between two that counts"
    assert hand.stroke("down") is not first
    last = hand.stroke("down")
    hand.leave()
    assert hand.stroke("down") is not last
    last = hand.stroke("down")
    now = 3.5 * REST
    assert hand.stroke("down") is not last


def stepped(chat: Chat, left: int) -> bool:
    return len(chat.side.undo_history.past) < left


async def taken_back(chat: Chat) -> list[tuple[float, int]]:
    """Where temperature and top_k are after every step back."""
    pairs = []
    while chat.side.undo_history.past:
        left = len(chat.side.undo_history.past)
        await chat.press("u")
        await chat.until(partial(stepped, chat, left))
        pairs.append((chat.side.knobs.temperature, chat.side.knobs.top_k))
    return pairs


async def test_a_held_key_is_one_step_and_each_knob_has_its_own(open_chat: OpenChat) -> None:
    async with open_chat(Script(), "temperature=0.5,top_k=7,seed=1") as chat:
        await chat.ready()
        await chat.press("tab", *["right"] * 6, "down", "right", "right", "up", "left")
        await chat.turned("temperature", 0.75)
        after = chat.side.knobs.top_k
        assert await taken_back(chat) == [(0.8, after), (0.8, 7), (0.5, 7)]


async def test_a_turn_after_something_else_is_a_step_of_its_own(open_chat: OpenChat) -> None:
    async with open_chat(Script(), "temperature=0.5,top_k=7,seed=1", "seed=1") as chat:
        await chat.ready()
        await chat.press("tab", "right", "c", "right")
        await chat.turned("temperature", 0.6)
        assert await taken_back(chat) == [(0.55, 7), (0.5, 7)]


async def test_r_on_a_heading_puts_its_group_back_as_one_step(open_chat: OpenChat) -> None:
    async with open_chat(Script(), "precise,temperature=1.5,top_k=3,repeat_last_n=9") as chat:
        await chat.ready()
        await chat.press("tab", "up", "r")
        await chat.turned("top_k", chat.side.preset.knobs.top_k)
        assert chat.side.turned == ("repeat_last_n",)
        await chat.press("u")
        await chat.turned("top_k", 3)
        assert chat.side.knobs.temperature == 1.5
