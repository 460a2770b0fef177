"""The knob panel alone: what is drawn, and what keys and the mouse make of it."""

from collections.abc import Callable
from functools import partial

import pytest
from textual import events
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.widgets import TextArea

from tests.ui.host import WidgetHost
from tui.knobs.knob import Value
from tui.knobs.table import EVERYDAY, KNOBS, Knobs, turn
from tui.ui.screens.knob_editor import KnobEditor
from tui.ui.widgets.knobs.knob_help import KnobHelp
from tui.ui.widgets.knobs.knob_lines import GapLine, HeadingLine, KnobLine, Line, OrderLine
from tui.ui.widgets.knobs.knob_list import KnobList
from tui.ui.widgets.knobs.knob_panel import KnobPanel
from tui.ui.widgets.knobs.knob_row import KnobRow, RowColumns

SIZE = (80, 60)
NAMES = list(KNOBS)
ORDER = KNOBS["sampler_order"].choices


class Host(WidgetHost):
    AUTO_FOCUS = None
    CSS = "KnobPanel { width: 34; }"

    def __init__(self, *, accept: bool = True) -> None:
        super().__init__()
        self.accept = accept
        self.panel = KnobPanel()
        self.turned: list[KnobList.Turned] = []
        self.asked: list[str] = []
        self.refused: list[str] = []
        self.screen_keys: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.panel

    def on_knob_list_turned(self, event: KnobList.Turned) -> None:
        self.turned.append(event)
        if self.accept:
            self.show(turn(self.panel.knobs, **{event.name: event.value}))

    def on_knob_panel_asked(self, event: KnobPanel.Asked) -> None:
        self.asked.append(event.action)

    def on_knob_list_refused(self, event: KnobList.Refused) -> None:
        self.refused.append(event.sentence)

    def on_knob_list_opened(self, event: KnobList.Opened) -> None:
        self.push_screen(KnobEditor(KNOBS[event.name], event.value), partial(self.panel.accept_edit, event.name))

    def on_key(self, event: events.Key) -> None:
        self.screen_keys.append(event.key)

    def show(self, knobs: Knobs, preset: Knobs | None = None) -> None:
        self.panel.show(None, preset or self.panel.preset, knobs)

    @property
    def knobs(self) -> KnobList:
        return self.panel.list

    @property
    def values(self) -> list[tuple[str, Value]]:
        return [(event.name, event.value) for event in self.turned]

    def at(self, line: Line | str) -> int:
        """Which row of the view a line is in."""
        line = KnobLine(line) if isinstance(line, str) else line
        return next(y for y in range(self.knobs.size.height) if self.knobs.line_at(y) == line)

    def text(self, line: Line | str) -> str:
        """Return the drawn text of a line in view."""
        return self.knobs.render_line(self.at(line)).text

    @property
    def lines(self) -> list[Line]:
        """Every line there is, blank ones aside."""
        return [
            line for line in self.knobs.state.lines.lay_out(self.knobs.state.knobs) if not isinstance(line, GapLine)
        ]

    @property
    def help(self) -> str:
        return " ".join(str(self.panel.query_one(KnobHelp).render()).split())


async def go(pilot: Pilot[None], app: Host, line: Line | str) -> None:
    """Give the panel the focus, and a line the cursor."""
    app.panel.focus()
    if isinstance(line, str):
        app.panel.go(line)
    else:
        app.knobs.go(line)
    await pilot.pause()


# --- what is there ----------------------------------------------------------------------------------------------------


async def test_every_knob_of_the_table_has_a_row_under_its_heading() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        for group in app.knobs.state.lines.groups:
            app.knobs.fold(group, False)
        await pilot.pause()
        assert [line.name for line in app.lines if isinstance(line, KnobLine)] == NAMES
        under = ""
        for line in app.lines:
            match line:
                case HeadingLine(group):
                    under = group
                case KnobLine(name):
                    assert KNOBS[name].group == under


async def test_a_row_says_its_name_and_value() -> None:
    app = Host()
    async with app.run_test(size=SIZE):
        assert app.text("temperature").split() == ["temperature", "━━●───", "0.8"]
        assert app.text("seed").endswith(" random")
        assert app.text("num_predict").endswith(" no limit")
        assert app.text("presence_penalty").split()[1] == "──●───"
        assert app.text("stop").split() == ["stop", "none"]
        app.show(turn(Knobs(), stop=("END", "\x1b[2J")))
        assert app.text("stop").split()[1:] == ["2", "·", "'END'", "'\\…"]


@pytest.mark.parametrize("width", [20, 24, 30, 34, 44, 60])
async def test_a_line_fills_its_width_exactly_and_keeps_its_value_whole(width: int) -> None:
    app = Host()
    async with app.run_test(size=(80, 100)) as pilot:
        app.panel.styles.width = width
        for group in app.knobs.state.lines.groups:
            app.knobs.fold(group, False)
        app.knobs.fold("sampler_order", False)
        app.show(turn(Knobs(), seed=4294967295, temperature=1.25, stop=("<|im_end|>", "\n\n", "日本語日本語日本語")))
        await pilot.pause()
        for line in app.lines:
            drawn = app.knobs.render_line(app.at(line))
            assert drawn.cell_length == width - 1
            if isinstance(line, KnobLine) and KNOBS[line.name].slides and width >= 24:
                assert KNOBS[line.name].show(getattr(app.knobs.state.knobs, line.name)) in drawn.text


def test_units_have_a_column_of_their_own_where_there_is_room() -> None:
    wide, narrow = (
        "".join(part.text for part in KnobRow(KNOBS["top_k"], 40, 40).draw(RowColumns(width))) for width in (44, 34)
    )
    assert wide.split()[2:] == ["40", "tokens"]
    assert narrow.split()[2:] == ["40"]


async def test_a_turned_knob_is_marked_by_more_than_colour() -> None:
    app = Host()
    async with app.run_test(size=SIZE):
        hot = turn(Knobs(), temperature=1.5)
        app.show(hot)
        assert app.text("temperature").startswith(" •temperature")
        assert "◦" in app.text("temperature"), "the slider shows where the preset stands"
        assert app.text(HeadingLine("sampling")).endswith("1 •")
        app.show(hot, hot)
        assert app.text("temperature").startswith("  temperature")
        assert "•" not in app.text(HeadingLine("sampling"))


async def test_a_knob_without_effect_is_hollow_and_says_why() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        assert "●" in app.text("top_k")
        await go(pilot, app, "top_k")
        assert "No effect" not in app.help
        app.show(turn(Knobs(), mirostat=2))
        await pilot.pause()
        assert "○" in app.text("top_k") and "●" not in app.text("top_k")
        assert app.help.startswith("○ No effect: mirostat is on.")


async def test_a_knob_that_is_refused_says_so_and_why() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        app.show(turn(Knobs(), regex="("))
        app.panel.refused = {"regex": "regex: line 1, column 1: it is never closed."}
        await go(pilot, app, "regex")
        assert app.text("regex").startswith("▌✗regex")
        assert app.help.startswith("✗ regex: line 1, column 1: it is never closed.")
        app.panel.refused = {}
        assert app.text("regex").startswith("▌•regex")


async def test_constraints_that_exclude_each_other_are_marked() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        app.show(turn(Knobs(), regex="a+", format="json"))
        await go(pilot, app, "format")
        assert app.text("format").startswith("▌✗") and app.text("regex").startswith(" ✗")
        assert "a reply can follow one only" in app.help


async def test_the_help_says_range_default_preset_unit_and_stage() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        app.show(Knobs(), turn(Knobs(), top_k=7))
        await go(pilot, app, "top_k")
        assert KNOBS["top_k"].help in app.help
        assert "preset 7 · default 40 · 0 to 500000 tokens" in app.help
        await go(pilot, app, "repeat_penalty")
        assert "stage penalties" in app.help


@pytest.mark.parametrize("height", [8, 12, 24, 40])
async def test_the_help_never_changes_its_height(height: int) -> None:
    app = Host()
    async with app.run_test(size=(80, height)) as pilot:
        app.show(turn(Knobs(), mirostat=2))
        app.panel.focus()
        heights = set()
        for name in NAMES:
            await go(pilot, app, name)
            heights.add((app.knobs.size.height, app.panel.query_one(KnobHelp).size.height))
        assert len(heights) == 1


# --- folding and finding ----------------------------------------------------------------------------------------------


async def test_often_used_groups_and_those_away_from_the_defaults_are_open() -> None:
    app = Host()
    async with app.run_test(size=SIZE):
        opened = {
            line.group
            for line in app.lines
            if isinstance(line, HeadingLine) and app.knobs.state.lines.is_open(line.group)
        }
        assert opened == set(EVERYDAY)
        app.show(turn(Knobs(), dry_multiplier=0.5))
        assert KnobLine("dry_multiplier") in app.lines
        app.show(Knobs())
        assert KnobLine("dry_multiplier") in app.lines, "and it does not fold under the cursor"


@pytest.mark.parametrize("key", ["enter", "space", "left"])
async def test_a_heading_folds_says_what_is_turned_inside_and_stays_folded(key: str) -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        await go(pilot, app, HeadingLine("sampling"))
        await pilot.press(key)
        assert KnobLine("top_k") not in app.lines
        app.show(turn(Knobs(), temperature=1.5, top_k=3))
        assert app.text(HeadingLine("sampling")).split() == ["▌▸", "sampling", "2", "•"]
        assert KnobLine("top_k") not in app.lines
        await pilot.press("right")
        assert KnobLine("top_k") in app.lines


async def test_what_is_turned_in_a_folded_group_can_be_pointed_at() -> None:
    app = Host()
    async with app.run_test(size=(80, 14)) as pilot:
        await go(pilot, app, "lora")
        assert app.knobs.state.line == KnobLine("lora") and app.text("lora").startswith("▌")


async def test_typing_narrows_the_rows_and_escape_brings_them_back() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        before = app.lines
        await go(pilot, app, "temperature")
        await pilot.press("slash", *"XTC")
        assert [line.name for line in app.lines if isinstance(line, KnobLine)] == ["xtc_probability", "xtc_threshold"]
        assert app.knobs.state.line == KnobLine("xtc_probability")
        await pilot.press("enter", "right")
        assert app.values == [("xtc_probability", 0.05)], "Enter ends the typing, and keys turn again"
        await pilot.press("escape")
        assert set(before) < set(app.lines)
        assert app.knobs.state.line == KnobLine("xtc_probability"), "its group is open now"
        assert app.screen_keys.count("escape") == 0
        await pilot.press("escape")
        assert app.screen_keys.count("escape") == 1, "with nothing looked for it is the screen's"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("top k", "top_k"), ("nucleus", "top_p"), ("gpu", "num_gpu"), ("constraint", "regex"), ("json schema", "schema")],
)
async def test_names_groups_and_help_are_searched(wanted: str, found: str) -> None:
    app = Host()
    async with app.run_test(size=SIZE):
        app.panel.find(wanted)
        assert KnobLine(found) in app.lines and len(app.lines) < len(KNOBS) / 2


async def test_nothing_found_is_said_and_does_no_harm() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        await go(pilot, app, "top_k")
        await pilot.press("slash", *"777")
        assert app.lines == []
        assert "none is like it" in "".join(strip.text for strip in app.screen._compositor.render_strips())
        await pilot.press("down", "up", "enter", "space", "left", "pageup", "home")
        assert app.turned == []
        await pilot.press("escape")
        assert app.knobs.state.line == KnobLine("top_k") and KnobLine("top_k") in app.lines


async def test_letters_that_are_keys_are_letters_while_typing() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        await go(pilot, app, "temperature")
        await pilot.press("slash", *"rucsRU1")
        assert (app.asked, app.turned) == ([], [])


async def test_what_is_typed_fast_is_not_taken_for_keys() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        await go(pilot, app, "temperature")
        for key in ("/", *"curs", "\b"):
            app.post_message(events.Key("slash" if key == "/" else "backspace" if key == "\b" else key, key))
        await pilot.pause()
        assert app.asked == [] and app.knobs.state.lines.wanted == "cur"


# --- keys -------------------------------------------------------------------------------------------------------------


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
        ("strategy", ["right"], "greedy"),
        ("strategy", ["end"], "contrastive"),
        ("strategy", ["end", "space"], "sample"),
        ("mirostat", ["space", "space"], 2),
    ],
)
async def test_keys_turn_the_knob_with_the_cursor(name: str, keys: list[str], value: Value) -> None:
    app = Host(accept=False)
    async with app.run_test(size=SIZE) as pilot:
        await go(pilot, app, name)
        await pilot.press(*keys)
        assert getattr(app.knobs.state.knobs, name) == value, "shown at once"
        assert app.values[-1] == (name, value), "and announced"
        assert getattr(app.panel.knobs, name) == KNOBS[name].default, "but not decided"


async def test_escape_leaves_the_value_and_does_not_reach_the_screen() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        await go(pilot, app, "temperature")
        await pilot.press("9", "escape")
        assert app.knobs.state.knobs.temperature == 0.8
        assert (app.turned, app.screen_keys) == ([], [])
        await pilot.press("escape")
        assert app.screen_keys == ["escape"], "with nothing typed it is the screen's"


async def test_a_bad_value_is_refused_with_a_sentence_and_stays_to_be_mended() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        await go(pilot, app, "top_p")
        await pilot.press("1", "0", "enter")
        await pilot.pause()
        assert app.refused == ["top_p: 10 is out of range; it goes from 0 to 1."]
        assert "out of range" in app.help
        assert (app.knobs.state.entry, app.turned) == ("10", [])
        assert "10▏" in app.text("top_p")


async def test_moving_on_takes_what_was_typed() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        await go(pilot, app, "temperature")
        await pilot.press("1", "down")
        assert app.values == [("temperature", 1.0)]
        assert app.knobs.state.line == KnobLine("top_k")
        await pilot.press("3")
        app.set_focus(None)
        await pilot.pause()
        assert app.values[-1] == ("top_k", 3)


async def test_r_goes_back_to_the_preset() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        app.show(Knobs(), turn(Knobs(), temperature=0.2, stop=("END",)))
        await go(pilot, app, "temperature")
        await pilot.press("r")
        await go(pilot, app, "stop")
        await pilot.press("r")
        assert app.values == [("temperature", 0.2), ("stop", ("END",))]


async def test_keys_ask_for_what_is_done_with_all_knobs() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        await go(pilot, app, "temperature")
        await pilot.press("u", "U", "ctrl+y", "R", "c", "s")
        assert app.asked == ["undo", "redo", "redo", "reset", "copy", "save"]


async def test_the_owner_can_take_a_turn_back() -> None:
    app = Host(accept=False)
    async with app.run_test(size=SIZE) as pilot:
        await go(pilot, app, "temperature")
        await pilot.press("end")
        app.show(app.panel.knobs)
        assert app.text("temperature").split()[-1] == "0.8"


async def test_the_cursor_moves_over_every_line_stops_at_the_ends_and_stays_in_view() -> None:
    app = Host()
    async with app.run_test(size=(80, 14)) as pilot:
        await go(pilot, app, "temperature")
        await pilot.press("up", "up")
        assert app.knobs.state.line == app.lines[0] == HeadingLine("sampling")
        for line in app.lines[1:]:
            await pilot.press("down")
            assert app.knobs.state.line == line
            assert app.text(line).startswith("▌"), "in view"
        await pilot.press("down")
        assert app.knobs.state.line == app.lines[-1]
        await pilot.press("home")
        assert app.knobs.state.line == app.lines[0] and app.knobs.scroll_offset.y == 0


# --- what loads the model anew ----------------------------------------------------------------------------------------


async def test_what_loads_the_model_anew_waits_for_enter() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        await go(pilot, app, "num_ctx")
        assert app.text(HeadingLine("model")).split("·")[-1].strip() == "loads anew"
        await pilot.press("right", "right")
        assert app.turned == []
        assert "512▏" in app.text("num_ctx")
        assert "Enter loads the model anew with 512 tokens; Esc leaves it at auto." in app.help
        await pilot.press("escape")
        assert (app.turned, app.knobs.state.entry) == ([], None)
        await pilot.press("right", "enter")
        assert app.values == [("num_ctx", 256)]


# --- lists and texts --------------------------------------------------------------------------------------------------


async def edit(pilot: Pilot[None], app: Host, name: str) -> TextArea:
    await go(pilot, app, name)
    await pilot.press("enter")
    await pilot.pause()
    assert isinstance(app.screen, KnobEditor)
    return app.screen.query_one(TextArea)


async def test_a_list_is_edited_an_entry_a_line() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        app.show(turn(Knobs(), stop=("END", "\n\n", " a\\n ")))
        text = await edit(pilot, app, "stop")
        assert text.text.split("\n") == ["END", r"\n\n", r" a\\n "]
        await pilot.press("ctrl+j", *"###", "enter")
        await pilot.pause()
        assert app.values == [("stop", ("END", "\n\n", " a\\n ", "###"))]


async def test_a_text_is_edited_as_it_is() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        text = await edit(pilot, app, "regex")
        text.insert(r"\d+\n")
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert app.values == [("regex", r"\d+\n")]


async def test_an_entry_that_is_not_taken_is_said_in_place_and_can_be_mended() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        await edit(pilot, app, "logit_bias")
        await pilot.press("x", "enter")
        await pilot.pause()
        assert "'x' is not written like" in str(app.screen.query_one(".error").render())
        await pilot.press(*":2", "enter")
        await pilot.pause()
        assert app.values == [("logit_bias", ("x:2",))]


async def test_escape_leaves_a_list_as_it_was() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        await edit(pilot, app, "stop")
        await pilot.press("x", "escape")
        await pilot.pause()
        assert app.turned == [] and not isinstance(app.screen, KnobEditor)


async def test_hostile_text_in_a_list_is_shown_and_kept() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        hostile = "\x1b]0;t\x07[@click=app.quit]x[/]"
        app.show(turn(Knobs(), stop=(hostile,)))
        text = await edit(pilot, app, "stop")
        painted = "".join(segment.text for y in range(text.size.height) for segment in text.render_line(y))
        assert "app.quit" in painted and not {"\x1b", "\x07"} & set(painted)
        await pilot.press("enter")
        await pilot.pause()
        assert app.knobs.state.knobs.stop == (hostile,)
        assert app.is_running


# --- the order of the stages ------------------------------------------------------------------------------------------


async def test_an_order_opens_into_its_stages_with_what_they_do() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        await go(pilot, app, "sampler_order")
        assert app.text("sampler_order").split() == ["▌", "sampler_order", "▸", "default"]
        await pilot.press("enter")
        assert [line.entry for line in app.lines if isinstance(line, OrderLine)] == list(ORDER)
        assert app.text(OrderLine("sampler_order", "top_k")).split() == ["4", "top_k", "●", "on"]
        assert app.text(OrderLine("sampler_order", "dry")).split() == ["2", "dry", "○", "idle"]
        await go(pilot, app, OrderLine("sampler_order", "dry"))
        assert app.help.startswith("○ dry does nothing: dry_multiplier is off.")
        await pilot.press("enter")
        assert app.values == [("sampler_order", tuple(stage for stage in ORDER if stage != "dry"))]


@pytest.mark.parametrize(
    ("stage", "keys", "order"),
    [
        ("temperature", ["shift+up"] * 2, (*ORDER[:-3], "temperature", "min_p", "xtc")),
        ("penalties", ["shift+down"], ("dry", "penalties", *ORDER[2:])),
        ("temperature", ["shift+up", "shift+down"], ORDER),
        ("xtc", ["space"], tuple(stage for stage in ORDER if stage != "xtc")),
        ("xtc", ["left"], tuple(stage for stage in ORDER if stage != "xtc")),
        ("xtc", ["space", "right"], ORDER),
    ],
)
async def test_keys_move_and_switch_stages(stage: str, keys: list[str], order: tuple[str, ...]) -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        app.knobs.fold("more sampling", False)
        app.knobs.fold("sampler_order", False)
        await go(pilot, app, OrderLine("sampler_order", stage))
        await pilot.press(*keys)
        await pilot.pause()
        assert app.panel.knobs.sampler_order == order
        assert app.knobs.state.line == OrderLine("sampler_order", stage), "the cursor goes along"


async def test_a_stage_is_dragged_to_its_place() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        app.knobs.fold("more sampling", False)
        app.knobs.fold("sampler_order", False)
        await pilot.pause()
        await pilot.mouse_down(app.knobs, offset=(8, app.at(OrderLine("sampler_order", "temperature"))))
        for stage in ("xtc", "min_p"):
            await pilot.hover(app.knobs, offset=(8, app.at(OrderLine("sampler_order", stage))))
        await pilot.mouse_up(app.knobs, offset=(30, app.at(OrderLine("sampler_order", "temperature"))))
        await pilot.pause()
        assert app.panel.knobs.sampler_order == (*ORDER[:-3], "temperature", "min_p", "xtc")
        assert len({event.stroke for event in app.turned}) == 1, "one step to undo"
        await pilot.click(app.knobs, offset=(30, app.at(OrderLine("sampler_order", "min_p"))))
        assert "min_p" not in app.panel.knobs.sampler_order


# --- mouse ------------------------------------------------------------------------------------------------------------


async def test_the_slider_is_dragged_and_let_go() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        slider, y = app.knobs.painter.columns.slider, app.at("top_p")
        await pilot.mouse_down(app.knobs, offset=(slider.start, y))
        assert app.knobs.state.knobs.top_p == 0.0
        await pilot.hover(app.knobs, offset=(slider.stop - 1, y + 3))
        assert app.knobs.state.knobs.top_p == 1.0, "also when the mouse strays"
        await pilot.mouse_up(app.knobs, offset=(slider.stop - 1, y))
        await pilot.hover(app.knobs, offset=(slider.start, y))
        assert app.knobs.state.knobs.top_p == 1.0
        strokes = {event.stroke for event in app.turned}
        assert len(strokes) == 1 and None not in strokes


async def test_a_load_knob_is_taken_when_it_is_let_go() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        app.knobs.fold("model", False)
        await pilot.pause()
        slider, y = app.knobs.painter.columns.slider, app.at("num_ctx")
        await pilot.mouse_down(app.knobs, offset=(slider.start + 1, y))
        await pilot.hover(app.knobs, offset=(slider.stop - 1, y))
        assert app.turned == []
        await pilot.mouse_up(app.knobs, offset=(slider.stop - 1, y))
        assert app.values == [("num_ctx", 131072)]


async def test_a_double_click_puts_a_knob_back() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.click(app.knobs, offset=(app.knobs.painter.columns.slider.start, app.at("top_p")), times=2)
        assert app.panel.knobs.top_p == 0.95 and app.values[0] == ("top_p", 0.0)


async def test_a_click_on_a_name_only_points() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.click(app.knobs, offset=(4, app.at("top_k")))
        assert app.knobs.has_focus and app.knobs.state.line == KnobLine("top_k")
        assert app.turned == []


async def test_a_click_folds_a_heading_and_opens_a_list() -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.click(app.knobs, offset=(25, app.at("stop")))
        await pilot.pause()
        assert isinstance(app.screen, KnobEditor)
        await pilot.press("escape")
        await pilot.click(app.knobs, offset=(4, app.at(HeadingLine("sampling"))))
        assert KnobLine("top_k") not in app.lines


def wheel(kind: type[events.MouseEvent], app: Host, x: int, line: Line | str) -> None:
    left, top = app.knobs.region.offset
    app.screen._forward_event(kind(None, left + x, top + app.at(line), 0, 0, 0, False, False, False))


@pytest.mark.parametrize(("kind", "value"), [(events.MouseScrollUp, 0.85), (events.MouseScrollDown, 0.75)])
async def test_the_wheel_steps_the_knob_under_it_and_scrolls_nothing(
    kind: type[events.MouseEvent], value: float
) -> None:
    app = Host()
    async with app.run_test(size=(80, 12)) as pilot:
        wheel(kind, app, 24, "temperature")
        await pilot.pause()
        assert app.values == [("temperature", value)]
        assert app.knobs.scroll_y == 0


async def test_the_wheel_over_names_scrolls_and_turns_nothing() -> None:
    app = Host()
    async with app.run_test(size=(80, 12)) as pilot:
        wheel(events.MouseScrollDown, app, 5, "temperature")
        await pilot.pause()
        assert app.knobs.scroll_offset.y > 0 and app.turned == []


# --- cost -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def repainted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """A function that says which lines were drawn again since it was asked last, and fails where all were."""
    drawn: list[str] = []
    refresh_line = KnobList.refresh_line

    def noted(self: KnobList, y: int) -> None:
        line = self.line_at(y - self.scroll_offset.y)
        drawn.append(str(getattr(line, "name", "") or getattr(line, "group", "")))
        refresh_line(self, y)

    monkeypatch.setattr(KnobList, "refresh_line", noted)

    def since() -> list[str]:
        found = drawn[:]
        drawn.clear()
        return found

    return since


async def test_a_turn_draws_the_lines_that_changed_and_no_other(repainted: Callable[[], list[str]]) -> None:
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        await go(pilot, app, "top_k")
        await pilot.press("right")
        await pilot.pause()
        repainted()
        laid_out = app.screen._layout_required
        await pilot.press("right")
        await pilot.pause()
        assert repainted() == ["top_k"]
        assert not laid_out and not app.screen._layout_required
        app.show(turn(app.panel.knobs, seed=3, min_p=0.5))
        assert sorted(repainted()) == ["min_p", "sampling", "seed"]


def test_of_the_turns_of_one_knob_only_the_newest_matters() -> None:
    old, new, other = (KnobList.Turned(name, 1) for name in ("top_k", "top_k", "seed"))
    assert old.can_replace(new)
    assert not old.can_replace(other)
    assert not KnobList.Turned("top_k", 1, stroke=1).can_replace(KnobList.Turned("top_k", 2, stroke=2))
