import pytest
from textual.app import ComposeResult

from tests.ui.host import WidgetHost
from tui.ui.widgets.status import Status


class Host(WidgetHost):
    def compose(self) -> ComposeResult:
        status = Status()
        status.state, status.model, status.preset, status.turned = "writing", "SmolLM2 135M", "precise", True
        status.rate, status.ttft_ms, status.used, status.context = 119.4, 84, 1024, 8192
        yield status


async def line(width: int, **changes: object) -> str:
    app = Host()
    async with app.run_test(size=(width, 4)) as pilot:
        status = app.query_one(Status)
        for name, value in changes.items():
            setattr(status, name, value)
        await pilot.pause()
        strip = status.render_line(0)
        assert strip.cell_length <= status.content_size.width
        return strip.text.strip()


async def test_everything_where_there_is_room() -> None:
    assert await line(120) == ("▶ writing  precise*  SmolLM2 135M  119 tok/s  first 84 ms  context 1024/8192  ━───────")


@pytest.mark.parametrize("place", ["cpu", "gpu 31/31"])
async def test_where_the_layers_are_is_the_first_to_go(place: str) -> None:
    assert f"SmolLM2 135M  {place}  119 tok/s" in await line(120, place=place)
    assert await line(80, place=place) == await line(80)
    assert await line(80, place=place, state="ready", rate=None, ttft_ms=None) == (
        f"● ready  precise*  SmolLM2 135M  {place}  context 1024/8192  ━───────"
    )


@pytest.mark.parametrize(
    ("width", "seen", "gone"),
    [(80, "SmolLM2", "first"), (72, "━───────", "SmolLM2"), (50, "119 tok/s", "context"), (24, "precise*", "tok/s")],
)
async def test_the_least_important_goes_first(width: int, seen: str, gone: str) -> None:
    text = await line(width)
    assert seen in text
    assert gone not in text
    assert text.startswith("▶ writing")


async def test_the_states_have_words() -> None:
    assert (await line(80, state="ready")).startswith("● ready")
    assert (await line(80, state="lost")).startswith("✗ engine lost")
    assert (await line(80, state="loading", progress=0.5)).startswith("◌ loading ━━━━──── 50%")


async def test_what_is_not_known_is_not_shown() -> None:
    assert await line(80, model="", rate=None, ttft_ms=None, context=0, turned=False) == "▶ writing  precise"


async def test_names_from_files_are_text_and_nothing_else() -> None:
    text = await line(120, model="[/x]\x1b]0;hi", preset="\u202e[b]")
    assert "[/x]␛]0;hi" in text
    assert "\ufffd[b]*" in text


async def test_a_context_past_its_end_fills_the_gauge() -> None:
    assert (await line(120, used=9000)).endswith("context 9000/8192  ━━━━━━━━")
