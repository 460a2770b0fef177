"""A conversation leaves for elsewhere, and comes back as it was."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.store.pages import talk
from tui.chat import Message
from tui.errors import StoreError
from tui.store.export import date, read, write
from tui.store.page import ModelFile, Page, Sheet, Source
from tui.store.store import Store

HOSTILE = "<script>alert(1)</script> ![x](http://elsewhere/pixel) [y](javascript:alert(1)) </article> \x1b[31m"


def test_json_is_lossless(store: Store, tmp_path: Path) -> None:
    said = talk("Why?", HOSTILE, "And?", "So.")
    branched = talk("Or?", "Else.", onto=replace(said, tip=1))
    source = Source((Message("system", "Be brief."),), ModelFile("/some.gguf", 5, 6), "0.3.36")
    page = store.keep(Page("one"), Sheet(branched, "precise", source=source))
    store.note_sha256(ModelFile("/some.gguf", 5, 6), "abc")
    store.keep(page, Sheet(replace(branched, tip=3), "precise"))
    exported = store.export(1)
    assert exported.said[1].turn.written == said.turns[1].written, "with its traces"
    text = write(exported, "json")
    assert text.isascii() or "\x1b" not in text
    other = Store(tmp_path / "other" / "history.db")
    number = other.add(read(text, "one.json"))
    assert other.export(number) == exported
    with pytest.raises(StoreError, match="is here already: it is number 1"):
        other.add(exported)
    other.close()
    store.remove(1)
    assert store.export(store.add(exported)) == exported


@pytest.mark.parametrize("seconds", [1e300, float("inf"), float("nan"), -5.0, 1e15])
def test_a_time_that_cannot_be_is_shown_as_such_and_not_taken_in(store: Store, seconds: float) -> None:
    assert date(seconds) == "unknown date"
    store.keep(Page("one"), Sheet(talk("Why?", "So.")))
    exported = store.export(1)
    first, *others = exported.said
    for wrong in (
        replace(exported, began=seconds),
        replace(exported, changed=seconds),
        replace(exported, said=(replace(first, at=seconds), *others)),
    ):
        with pytest.raises(StoreError, match=r"^one.json is (damaged: something|not a conversation)"):
            read(write(wrong, "json"), "one.json")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not a conversation that twiddle exported"),
        ("[]", "is not a conversation"),
        ('{"twiddle": "conversation"}', "is not a conversation"),
    ],
)
def test_what_was_not_exported_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(StoreError, match=f"^mine.json {reason}"):
        read(text, "mine.json")


def test_what_could_not_be_shown_is_refused(store: Store) -> None:
    store.keep(Page("one"), Sheet(talk("Hi", "Hello")))
    exported = store.export(1)
    looped = replace(exported, said=(replace(exported.said[0], turn=replace(exported.said[0].turn, parent=1)),))
    for bad, reason in (
        (looped, "answers one that is not before it"),
        (replace(exported, tip=9), "left at a turn that is not in it"),
        (replace(exported, format=2), "exported by a newer twiddle"),
    ):
        with pytest.raises(StoreError, match=reason):
            read(write(bad, "json"), "mine.json")


def test_markdown_has_the_branch_that_was_read_last(store: Store) -> None:
    said = talk("Why?", "**Because.**", "And?", "So.")
    store.keep(Page("one"), Sheet(replace(said, tip=1)))
    text = write(store.export(1), "markdown")
    assert text.startswith("# Why?\n") and "## You\n\nWhy?\n" in text
    assert "## precise\n\n*temperature 0.2 · seed 7 · 1 turns of the knobs*\n\n**Because.**\n" in text
    assert "So." not in text


def test_html_stands_alone_and_does_nothing(store: Store) -> None:
    store.keep(Page("one"), Sheet(talk(HOSTILE, f"**bold** {HOSTILE}")))
    text = write(store.export(1), "html")
    assert "<strong>bold</strong>" in text
    assert "<script" not in text and "<img" not in text and 'href="javascript' not in text
    assert "src=" not in text and "<link" not in text
    assert text.count("</article>") == 2
    assert "default-src 'none'" in text
