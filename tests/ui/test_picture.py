"""A picture has every token, says what the colours mean, stands alone, and lets no text act."""

import stat
from pathlib import Path
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from tests.store.pages import talk, written
from tests.ui.driver import GREEDY, UNSURE, Chat, OpenChat
from tests.ui.test_compare import SHORT, both_written
from tests.ui.test_tokens import SCRIPT, WARM, looked_at
from tui.comparison.picture_content import PictureContent, PictureReply
from tui.conversation.conversation import Turn
from tui.conversation.token_measures import MEASURES
from tui.ui.picture import draw

HOSTILE = "</text><script>alert(1)</script> <image href='http://elsewhere/x'/> \x1b]52;c;x\x07 \u202e]]> \x00\ufffe"
SVG = "{http://www.w3.org/2000/svg}"


def reply(*tokens: str, ids: tuple[int, ...] = (), p: float = 0.2) -> Turn:
    """A reply of these tokens, each as likely as the others."""
    turn = talk("Why?", "".join(tokens)).turns[1]
    one = written(len(tokens))
    traces = tuple(
        replace(trace, id=(ids or range(999))[place], text=tokens[place], p=p, p_raw=p)
        for place, trace in enumerate(one.traces)
    )
    starts = tuple(len("".join(tokens[:place])) for place in range(len(tokens)))
    return replace(turn, record=replace(one, traces=traces, offsets=starts, knob_changes=()))


def drawn(*turns: Turn, question: str = "Why?", measure: int = 0) -> ElementTree.Element:
    shown = tuple(PictureReply(f"side {place}", turn) for place, turn in enumerate(turns))
    return ElementTree.fromstring(draw(PictureContent(question, shown), MEASURES[measure]))


def said(picture: ElementTree.Element) -> str:
    return " ".join(text.text or "" for text in picture.iter(f"{SVG}text"))


def test_every_token_is_there_with_what_it_was_and_how_likely() -> None:
    words = tuple(f"word{number} " for number in range(500))
    picture = drawn(reply(*words))
    tokens = [group.find(f"{SVG}title") for group in picture.iter(f"{SVG}g")]
    assert len(tokens) == 500
    assert tokens[7] is not None and (tokens[7].text or "").startswith("word7␣   20.0 → 20.0 %   rank 1")
    assert all(word.strip() in said(picture) for word in words)
    heights = [float(text.get("y", "0")) for text in picture.iter(f"{SVG}text")]
    assert max(heights) < float(picture.get("height", "0")), "and nothing lies outside"


@pytest.mark.parametrize(("p", "level"), [(0.95, 0), (0.2, 4), (0.001, 7)])
def test_the_colour_is_the_level_and_the_legend_says_what_it_means(p: float, level: int) -> None:
    picture = drawn(reply("so", p=p))
    (group,) = picture.iter(f"{SVG}g")
    assert [box.get("class") for box in group.iter(f"{SVG}rect")] == ([f"level l{level}"] if level else [])
    assert [text.get("class") for text in group.iter(f"{SVG}text")] == [f"t{level}"], "also without colours"
    for name in (MEASURES[0].name, *MEASURES[0].labels):
        assert name in said(picture)
    assert "entropy" in said(drawn(reply("so"), measure=3))


def test_it_loads_nothing_and_no_text_acts() -> None:
    turn = reply(HOSTILE, HOSTILE)
    text = draw(PictureContent(HOSTILE, (PictureReply(HOSTILE, turn),)), MEASURES[0])
    picture = ElementTree.fromstring(text)
    assert {each.tag.removeprefix(SVG) for each in picture.iter()} == {"svg", "title", "style", "rect", "g", "text"}
    style = picture.findtext(f"{SVG}style") or ""
    assert "url(" not in style and "@import" not in style and "href=" not in text.replace("href=&#x27;", "")
    assert not set("\x00\x07\x1b\u202e\ufffe") & set(text)
    assert "<script>alert(1)</script>" in "".join(picture.itertext())


def test_sides_stand_beside_each_other_and_where_they_part_is_marked() -> None:
    picture = drawn(reply("The", " sky", " is"), reply("The", " sea", " is", ids=(0, 7, 2)))
    places = {text.text: float(text.get("x", "0")) for text in picture.iter(f"{SVG}text")}
    assert places["side 1"] - places["side 0"] > 200 and places["sea"] > places["side 1"] > places["sky"]
    marks = [text for text in picture.iter(f"{SVG}text") if text.get("class") == "mark"]
    assert [(mark.text or "").replace("\u00a0", " ").strip() for mark in marks] == ["≠ parts here"] * 2
    assert [mark.get("y") for mark in marks] == [next(
        text.get("y") for text in picture.iter(f"{SVG}text") if text.text == "sea")] * 2  # fmt: skip
    assert not [text for text in drawn(reply("a"), reply("a")).iter(f"{SVG}text") if text.get("class") == "mark"]


async def saved(chat: Chat, folder: Path, count: int) -> Path:
    await chat.until(lambda: len(list(folder.iterdir())) == count)
    assert str(max(folder.iterdir(), key=lambda path: len(path.name))) in (await chat.toast(count)).replace(" ", "")
    return max(folder.iterdir(), key=lambda path: len(path.name))


async def test_s_in_the_view_of_tokens_saves_the_reply_by_the_measure_chosen(
    open_chat: OpenChat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    async with open_chat(SCRIPT, WARM) as chat:
        await looked_at(chat)
        await chat.press("m", "m", "s")
        path = await saved(chat, folder, 1)
        assert path.name == "where-is-warsaw.svg" and stat.S_IMODE(path.stat().st_mode) == 0o600
        picture = ElementTree.parse(path).getroot()
        turn = chat.side.conversation.turns[1]
        assert turn.record and len(list(picture.iter(f"{SVG}g"))) >= len(turn.record.traces)
        assert "rank" in said(picture) and "Where is Warsaw?" in said(picture)
        before = path.read_text()
        await chat.press("s")
        assert (await saved(chat, folder, 2)).name == "where-is-warsaw-2.svg" and path.read_text() == before


async def test_s_beside_another_side_saves_both(
    open_chat: OpenChat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    async with open_chat(SHORT, GREEDY, "temperature=1.5,seed=1,top_k=0,top_p=1,min_p=0") as chat:
        await chat.ready()
        await chat.screen.action_run("/picture")
        assert await chat.toast() == "There is no reply to take a picture of yet."
        await both_written(chat, "Hi")
        chat.panes[0].transcript.focus()
        await chat.press("s")
        await chat.until(lambda: list(folder.iterdir()))
        (path,) = folder.iterdir()
        words = said(ElementTree.parse(path).getroot()).replace("\u00a0", " ")
        assert "temperature 1.5" in words and words.count("parts here") == 2


async def test_a_picture_goes_where_it_is_told_and_over_nothing(open_chat: OpenChat, tmp_path: Path) -> None:
    async with open_chat(SCRIPT, WARM) as chat:
        await chat.answered("Where?")
        await chat.ready()
        await chat.screen.action_run(f"/picture {tmp_path / 'mine'}")
        await chat.until((tmp_path / "mine.svg").exists)
        await chat.screen.action_run(f"/picture {tmp_path / 'mine.svg'}")
        assert "is there already" in await chat.toast(2)
        await chat.screen.action_run(f"/picture {tmp_path / 'none' / 'mine.svg'}")
        assert "No such file or directory" in await chat.toast(3)


async def test_while_a_reply_is_written_there_is_no_picture_of_it(open_chat: OpenChat) -> None:
    async with open_chat(UNSURE) as chat:
        await chat.ask("Hi")
        await chat.written(5)
        await chat.ask("/picture")
        assert await chat.toast() == "A reply is being written; press Esc to stop it first."
