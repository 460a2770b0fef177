import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widget import Widget

from tui.knobs import KNOBS, Knobs, turn
from tui.ui.widgets.knob_row import KnobRow
from tui.ui.widgets.knobs import KnobList, KnobPanel


class Host(App[None]):
    AUTO_FOCUS = None
    CSS = "KnobPanel { width: 34; }"

    def __init__(self) -> None:
        super().__init__()
        self.turned: list[KnobPanel.Turned] = []
        self.refused: list[str] = []
        self.screen_keys: list[str] = []

    def compose(self) -> ComposeResult:
        yield KnobPanel()

    def on_knob_panel_turned(self, event: KnobPanel.Turned) -> None:
        self.turned.append(event)

    def on_knob_panel_refused(self, event: KnobPanel.Refused) -> None:
        self.refused.append(event.sentence)

    def on_key(self, event: object) -> None:
        self.screen_keys.append(getattr(event, "key", ""))

    def row(self, name: str) -> KnobRow:
        return self.query_one(KnobPanel).rows[name]

    @property
    def values(self) -> list[tuple[str, object]]:
        return [(event.name, event.value) for event in self.turned]


def text(widget: Widget) -> str:
    return widget.render_line(0).text


async def focus(pilot: Pilot[None], row: KnobRow) -> None:
    row.focus()
    await pilot.pause()


def test_every_live_number_and_word_of_the_table_has_a_row_and_nothing_else_has() -> None:
    expected = [name for name, row in KNOBS.items() if row.live and (row.kind in (int, float) or row.choices)]
    assert list(KnobPanel().rows) == [name for name in expected if KNOBS[name].kind is not tuple]
    assert {"temperature", "seed", "num_predict", "strategy"} <= set(expected)


async def test_a_word_is_turned_like_a_number() -> None:
    app = Host()
    async with app.run_test(size=(80, 60)) as pilot:
        row = app.row("strategy")
        row.focus()
        assert text(row).endswith(" sample")
        for key, word in (("right", "greedy"), ("end", "contrastive"), ("right", "contrastive"), ("left", "beam")):
            await pilot.press(key)
            assert row.value == word
            assert text(row).endswith(f" {word}")
        await pilot.press("r")
        assert row.value == "sample"


async def test_a_row_says_its_name_and_value() -> None:
    app = Host()
    async with app.run_test(size=(80, 30)):
        assert text(app.row("temperature")).split() == ["temperature", "━━●──", "0.8"]
        assert text(app.row("seed")).endswith(" random")
        assert text(app.row("num_predict")).endswith(" no limit")
        assert text(app.row("presence_penalty")).split()[1] == "──●──"


@pytest.mark.parametrize("width", [24, 30, 34, 44, 60])
async def test_a_row_fills_its_width_exactly_and_keeps_its_value_whole(width: int) -> None:
    app = Host()
    async with app.run_test(size=(80, 30)) as pilot:
        panel = app.query_one(KnobPanel)
        panel.styles.width = width
        panel.knobs = turn(Knobs(), seed=4294967295, temperature=1.25)
        await pilot.pause()
        for row in panel.rows.values():
            assert len(text(row)) == row.content_size.width
            assert row.knob.show(row.value) in text(row)


async def test_a_turned_knob_is_marked_by_more_than_colour() -> None:
    app = Host()
    async with app.run_test(size=(80, 30)) as pilot:
        app.query_one(KnobPanel).knobs = turn(Knobs(), temperature=1.5)
        await pilot.pause()
        line = text(app.row("temperature"))
        assert line.startswith(" •temperature")
        assert "◦" in line, "the slider shows where the preset stands"
        app.query_one(KnobPanel).preset = turn(Knobs(), temperature=1.5)
        await pilot.pause()
        assert text(app.row("temperature")).startswith("  temperature")


@pytest.mark.parametrize(
    ("name", "keys", "value"),
    [
        ("temperature", ["right"], 0.85),
        ("temperature", ["left", "left"], 0.7),
        ("temperature", ["shift+right"], 1.05),
        ("top_k", ["shift+left"], 30),
        ("temperature", ["home"], 0.0),
        ("temperature", ["end"], 2.0),
        ("seed", ["4", "2", "enter"], 42),
        ("presence_penalty", ["minus", "1", "full_stop", "5", "enter"], -1.5),
        ("min_p", [".", "1", "enter"], 0.1),
        ("top_k", ["enter", "o", "f", "f", "enter"], 0),
        ("temperature", ["1", "2", "backspace", "enter"], 1.0),
    ],
)
async def test_keys_turn_the_focused_knob(name: str, keys: list[str], value: float) -> None:
    app = Host()
    async with app.run_test(size=(80, 30)) as pilot:
        await focus(pilot, app.row(name))
        await pilot.press(*keys)
        assert app.row(name).value == value, "shown at once"
        assert app.values[-1] == (name, value), "and announced"
        assert getattr(app.query_one(KnobPanel).knobs, name) == KNOBS[name].default, "but not decided"


async def test_escape_leaves_the_value_and_does_not_reach_the_screen() -> None:
    app = Host()
    async with app.run_test(size=(80, 30)) as pilot:
        await focus(pilot, app.row("temperature"))
        await pilot.press("9", "escape")
        assert app.row("temperature").value == 0.8
        assert (app.turned, app.screen_keys) == ([], [])
        await pilot.press("escape")
        assert app.screen_keys == ["escape"], "with nothing typed it is the screen's"


async def test_a_bad_value_is_refused_with_a_sentence_and_stays_to_be_mended() -> None:
    app = Host()
    async with app.run_test(size=(80, 30)) as pilot:
        await focus(pilot, app.row("top_p"))
        await pilot.press("1", "0", "enter")
        assert app.refused == ["top_p: 10 is out of range; it goes from 0 to 1."]
        assert "out of range" in str(app.query_one(".knob-help").render())
        assert (app.row("top_p").entry, app.turned) == ("10", [])


async def test_moving_on_takes_what_was_typed() -> None:
    app = Host()
    async with app.run_test(size=(80, 30)) as pilot:
        await focus(pilot, app.row("temperature"))
        await pilot.press("1", "down")
        assert app.values == [("temperature", 1.0)]
        assert app.row("top_k").has_focus


async def test_r_goes_back_to_the_preset() -> None:
    app = Host()
    async with app.run_test(size=(80, 30)) as pilot:
        app.query_one(KnobPanel).preset = turn(Knobs(), temperature=0.2)
        await focus(pilot, app.row("temperature"))
        await pilot.press("r")
        assert app.values == [("temperature", 0.2)]


async def test_the_owner_can_take_a_turn_back() -> None:
    app = Host()
    async with app.run_test(size=(80, 30)) as pilot:
        panel = app.query_one(KnobPanel)
        await focus(pilot, app.row("temperature"))
        await pilot.press("end")
        panel.knobs = panel.knobs
        await pilot.pause()
        assert app.row("temperature").value == 0.8


async def test_up_and_down_move_between_rows_and_stop_at_the_ends() -> None:
    app = Host()
    async with app.run_test(size=(80, 14)) as pilot:
        await focus(pilot, app.row("temperature"))
        await pilot.press("up")
        assert app.row("temperature").has_focus
        rows = list(app.query_one(KnobPanel).rows.values())
        await pilot.press(*["down"] * (len(rows) + 2))
        last = rows[-1]
        assert last.has_focus
        await pilot.pause()
        assert app.query_one(KnobPanel).region.contains_region(last.region), "scrolled into view"
        assert last.knob.help in " ".join(str(app.query_one(".knob-help").render()).split())


async def test_the_slider_is_dragged_and_let_go() -> None:
    app = Host()
    async with app.run_test(size=(80, 30)) as pilot:
        row = app.row("top_p")
        await pilot.mouse_down(row, offset=(row.slider.start, 0))
        assert row.value == 0.0
        await pilot.hover(row, offset=(row.slider.stop - 1, 0))
        assert row.value == 1.0
        await pilot.mouse_up(row, offset=(row.slider.stop - 1, 0))
        await pilot.hover(row, offset=(row.slider.start, 0))
        assert row.value == 1.0


async def test_a_click_beside_the_slider_only_focuses() -> None:
    app = Host()
    async with app.run_test(size=(80, 30)) as pilot:
        await pilot.click(app.row("top_k"), offset=(4, 0))
        assert app.row("top_k").has_focus
        assert app.turned == []


@pytest.mark.parametrize(("wheel", "value"), [(events.MouseScrollUp, 0.85), (events.MouseScrollDown, 0.75)])
async def test_the_wheel_steps_the_knob_under_it_and_scrolls_nothing(
    wheel: type[events.MouseEvent], value: float
) -> None:
    app = Host()
    async with app.run_test(size=(80, 12)) as pilot:
        row = app.row("temperature")
        x, y = row.region.offset
        app.screen._forward_event(wheel(None, x + 5, y, 0, 0, 0, False, False, False))
        await pilot.pause()
        assert app.values == [("temperature", value)]
        assert app.query_one(KnobList).scroll_y == 0


def test_of_the_turns_of_one_knob_only_the_newest_matters() -> None:
    old, new, other = (KnobPanel.Turned(name, 1) for name in ("top_k", "top_k", "seed"))
    assert old.can_replace(new)
    assert not old.can_replace(other)
