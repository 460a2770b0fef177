"""A conversation leaves for elsewhere, and comes back as it was."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.depth import depth
from tests.store.pages import talk
from tui.conversation.conversation import Conversation, Ending, Message, Turn
from tui.conversation.reply_record import KnobChange, ReplyRecord, Stats
from tui.conversation.thinking import Thought
from tui.conversation.trace import Candidate, StageTrace, TokenTrace
from tui.errors import StoreError
from tui.knobs.table import Knobs
from tui.store.export import date, read, write
from tui.store.records import ModelFile, ReplySource, SavedPosition, Snapshot
from tui.store.store import Store

HOSTILE = "<script>alert(1)</script> ![x](http://elsewhere/pixel) [y](javascript:alert(1)) </article> \x1b[31m"


def test_json_is_lossless(store: Store, tmp_path: Path) -> None:
    said = talk("Why?", HOSTILE, "And?", "So.")
    branched = talk("Or?", "Else.", onto=replace(said, tip=1))
    source = ReplySource((Message("system", "Be brief."),), ModelFile("/some.gguf", 5, 6), "0.3.36")
    page = store.save(SavedPosition("one"), Snapshot(branched, "precise", source=source))
    store.note_sha256(ModelFile("/some.gguf", 5, 6), "abc")
    store.save(page, Snapshot(replace(branched, tip=3), "precise"))
    exported = store.export(1)
    assert exported.said[1].turn.record == said.turns[1].record, "with its traces"
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
    store.save(SavedPosition("one"), Snapshot(talk("Why?", "So.")))
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
    store.save(SavedPosition("one"), Snapshot(talk("Hi", "Hello")))
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
    store.save(SavedPosition("one"), Snapshot(replace(said, tip=1)))
    text = write(store.export(1), "markdown")
    assert text.startswith("# Why?\n") and "## You\n\nWhy?\n" in text
    assert "## precise\n\n*temperature 0.2 · seed 7 · 1 turns of the knobs*\n\n**Because.**\n" in text
    assert "So." not in text


def test_html_stands_alone_and_does_nothing(store: Store) -> None:
    store.save(SavedPosition("one"), Snapshot(talk(HOSTILE, f"**bold** {HOSTILE}")))
    text = write(store.export(1), "html")
    assert "<strong>bold</strong>" in text
    assert "<script" not in text and "<img" not in text and 'href="javascript' not in text
    assert "src=" not in text and "<link" not in text
    assert text.count("</article>") == 2
    assert "default-src 'none'" in text


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
chances = st.floats(0, 1)
words = st.tuples(st.integers(-1, 10**6), texts, chances, chances, st.none() | st.sampled_from(["top_k", "min_p"]))
traces = st.builds(
    TokenTrace, st.integers(-1, 10**6), texts, chances, chances, st.integers(0, 10**6), st.floats(0, 20),
    st.floats(0, 20), st.lists(st.builds(StageTrace, texts, st.integers(0, 10**6)), max_size=2).map(tuple),
    st.lists(words.map(lambda word: Candidate(*word)), max_size=2).map(tuple),
)  # fmt: skip
stops = st.lists(texts.filter(bool), max_size=2).map(tuple)
knobs = st.builds(Knobs, temperature=st.floats(0, 5), seed=st.integers(0, 2**31), stop=stops)
lanes = st.lists(st.builds(KnobChange, st.integers(0, 9), knobs), max_size=2).map(tuple)


@st.composite
def replies(draw: st.DrawFn) -> ReplyRecord:
    chosen = draw(st.lists(traces, max_size=3))
    return ReplyRecord(
        preset=draw(texts), model=draw(texts), knobs=draw(knobs), template=draw(texts),
        inherited=draw(st.integers(0, 3)),
        first_index=draw(st.integers(0, 3)), knob_changes=draw(lanes),
        offsets=tuple(range(len(chosen))), traces=tuple(chosen),
        records=tuple(draw(st.binary(max_size=9)) for _ in chosen),
        stats=draw(st.none() | st.builds(Stats, *[st.integers(0, 99)] * 3, *[st.floats(0, 1e6)] * 2)),
        thinking=draw(st.none() | knobs), thought=draw(st.none() | st.just(Thought(0, 2, 1))),
    )  # fmt: skip


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    turns: list[Turn] = []
    for _ in range(draw(st.integers(1, 5))):
        parent = draw(st.none() | st.integers(0, len(turns) - 1)) if turns else None
        if draw(st.booleans()):
            turns.append(Turn(Message("user", draw(texts)), parent, None, draw(st.booleans())))
        else:
            message = Message("assistant", draw(texts), tuple(draw(st.lists(st.integers(0, 10**6), max_size=3))))
            ending = draw(st.sampled_from(get_args(Ending)))
            turns.append(Turn(message, parent, ending, draw(st.booleans()), draw(st.none() | replies())))
    return Conversation(tuple(turns), draw(st.integers(0, len(turns) - 1)))


@given(conversations(), st.lists(st.tuples(texts, st.none() | texts, texts), min_size=1, max_size=3), texts)
@settings(max_examples=depth(20, 100))
def test_whatever_was_said_goes_out_as_json_and_comes_in_as_it_was(
    said: Conversation, sides: list[tuple[str, str | None, str]], title: str
) -> None:
    with TemporaryDirectory() as folder:
        one, other = Store(Path(folder) / "one.db"), Store(Path(folder) / "other.db")
        page = SavedPosition("one")
        for place, (setting, system, model) in enumerate(sides):
            sheet = Snapshot(said, setting, system=system, model=model, side=place, side_count=len(sides))
            page = one.save(page, sheet)
        one.rename(1, title)
        exported = one.export(1)
        assert [each.turn for each in exported.said] == list(said.turns)
        number = other.add(read(write(exported, "json"), "one.json"))
        assert other.export(number) == exported
        one.close()
        other.close()
