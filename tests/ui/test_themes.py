from pathlib import Path

import pytest
from textual.app import ComposeResult
from textual.color import Color

from tests.ui.host import WidgetHost
from tui import paths
from tui.conversation.trace import Candidate, StageTrace, TokenTrace
from tui.ui.themes import COLORS, DEFAULT, LIGHT, load_themes
from tui.ui.widgets.knobs.knob_panel import KnobPanel
from tui.ui.widgets.prompt.prompt import Prompt
from tui.ui.widgets.status import Status
from tui.ui.widgets.tokens.candidates import Candidates

SHIPPED = load_themes([paths.shipped("themes")])
NAMES = [theme.name for theme in SHIPPED.themes]


def write(folder: Path, text: str, name: str = "mine") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_themes_are_sound() -> None:
    assert SHIPPED.failures == ()
    assert set(NAMES) >= {DEFAULT, LIGHT, "high-contrast", "high-contrast-light", "colour-blind-safe", "ansi"}
    assert len(NAMES) >= 8
    assert {theme.dark for theme in SHIPPED.themes} == {True, False}
    for theme in SHIPPED.themes:
        assert all(getattr(theme, color) for color in COLORS)


class Host(WidgetHost):
    CSS = "KnobPanel, Candidates { height: 20; }"

    def compose(self) -> ComposeResult:
        yield KnobPanel()
        yield Candidates()
        yield Prompt()
        yield Status()


async def test_every_shipped_theme_can_be_switched_on() -> None:
    app = Host()
    async with app.run_test() as pilot:
        for theme in SHIPPED.themes:
            app.register_theme(theme)
            app.theme = theme.name
            await pilot.pause()
            assert app.current_theme.name == theme.name


def contrast(one: Color, other: Color) -> float:
    """WCAG's contrast ratio, 1 to 21."""

    def luminance(color: Color) -> float:
        linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color.normalized)
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


async def test_everything_can_be_drawn_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = Host()
    async with app.run_test(size=(100, 60)) as pilot:
        app.query_one(Candidates).trace = TokenTrace(
            0,
            "a",
            0.5,
            0.6,
            0,
            1,
            0.5,
            (StageTrace("top_k", 1),),
            (Candidate(0, "a", 0.5, 0.6), Candidate(1, "b", 0.1, 0)),
        )
        await pilot.press("tab", "right")
        assert app.query_one(Candidates).render_line(3).text.startswith("▶ a")


LEAST = {"high-contrast": 7.0, "high-contrast-light": 7.0}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "ansi"])
def test_text_can_be_read_on_every_ground(name: str) -> None:
    theme = next(theme for theme in SHIPPED.themes if theme.name == name)
    least = LEAST.get(name, 4.5)
    for ground in ("background", "surface", "panel"):
        for ink in ("foreground", "primary", "secondary", "accent", "success", "warning", "error"):
            back, front = Color.parse(getattr(theme, ground)), Color.parse(getattr(theme, ink))
            assert contrast(back, front) >= least, (ground, ink)


def test_a_persons_theme_replaces_the_shipped_one_of_its_name(tmp_path: Path) -> None:
    write(tmp_path, 'primary = "red"', DEFAULT)
    themes = {theme.name: theme for theme in load_themes([paths.shipped("themes"), tmp_path]).themes}
    assert themes[DEFAULT].primary == "red"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('primary = "notacolour"', "primary is 'notacolour', not a colour"),
        ("primary = 3", "primary is 3, not a colour"),
        ('secondary = "red"', "it has no primary colour"),
        ('primary = "red"\naccnet = "red"', "Did you mean accent?"),
        ('primary = "red"\ndark = "yes"', "dark is 'yes'; write true or false"),
        ("primary = ", "it is not TOML"),
        ('primary = "red"\nvariables = 1', "variables is not a table"),
        ('primary = "red"\n[variables]\nbordr = "red"', "Did you mean border?"),
        ('primary = "red"\n[variables]\nborder = "nope 50%"', "border is 'nope 50%', not a colour"),
        ('primary = "red"\n[variables]\nlink-style = "wobbly"', "link-style is 'wobbly', not a text style"),
    ],
)
def test_a_broken_file_costs_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, text)
    write(tmp_path, 'primary = "red"\n[variables]\nborder = "auto 40%"\nlink-style = "bold underline"', "sound")
    load = load_themes([tmp_path])
    assert [theme.name for theme in load.themes] == ["sound"]
    [sentence] = load.failures
    assert said in sentence
    assert str(path) in sentence


def test_files_that_cannot_be_read_cost_a_sentence_each(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9")
    (tmp_path / "folder.toml").mkdir()
    assert len(load_themes([tmp_path, tmp_path / "absent"]).failures) == 2


def test_what_a_file_says_cannot_act_on_the_terminal(tmp_path: Path) -> None:
    write(tmp_path, 'primary = "\\u001b]52;c;x"')
    assert "\x1b" not in load_themes([tmp_path]).failures[0]


async def test_an_ansi_theme_of_ones_own_can_be_switched_on(tmp_path: Path) -> None:
    write(tmp_path, 'ansi = true\nprimary = "ansi_blue"')
    [theme] = load_themes([tmp_path]).themes
    app = Host()
    async with app.run_test() as pilot:
        app.register_theme(theme)
        app.theme = theme.name
        await pilot.pause()
        assert app.current_theme.ansi
