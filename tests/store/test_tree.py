"""Whatever is said, branched, opened twice and interrupted: the file holds the same tree as the windows together."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.depth import depth
from tests.store.pages import draft, written
from tui.conversation.conversation import Conversation, answer, ask, edit, go, until
from tui.store.records import SavedPosition, Snapshot
from tui.store.store import Store

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


class Window:
    """One program with a conversation open."""

    def __init__(self, path: Path, key: str) -> None:
        self.store, self.page, self.said = Store(path), SavedPosition(key), Conversation()
        self.draft = ""

    def keep(self) -> None:
        being_written = draft(self.said, self.draft) if self.draft else None
        self.page = self.store.save(self.page, Snapshot(self.said, draft=being_written))


class Windows(RuleBasedStateMachine):
    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "history.db"
        self.windows = [Window(self.path, "one"), Window(self.path, "two")]
        self.kept: dict[str, set[tuple[str, ...]]] = {"one": set(), "two": set()}

    @rule(which=st.integers(0, 1), text=texts)
    def ask(self, which: int, text: str) -> None:
        window = self.windows[which]
        window.said, window.draft = ask(window.said, text), ""
        self._keep(window)

    @rule(which=st.integers(0, 1), text=texts, ending=st.sampled_from(["stop", "stopped", "died"]))
    def answer(self, which: int, text: str, ending: str) -> None:
        window = self.windows[which]
        window.said = answer(window.said, text, ending, (1,), written(2))  # type: ignore[arg-type]
        window.draft = ""
        self._keep(window)

    @rule(which=st.integers(0, 1), text=st.text("abc", min_size=1))
    def write_a_part(self, which: int, text: str) -> None:
        window = self.windows[which]
        window.draft += text
        window.keep()

    @rule(which=st.integers(0, 1), text=texts, place=st.integers(0, 100))
    def edit(self, which: int, text: str, place: int) -> None:
        window = self.windows[which]
        if window.said.turns:
            window.said = edit(window.said, place % len(window.said.turns), text)
            window.draft = ""
            self._keep(window)

    @rule(which=st.integers(0, 1), place=st.integers(0, 100), further=st.booleans())
    def move(self, which: int, place: int, further: bool) -> None:
        window = self.windows[which]
        if window.said.turns:
            window.said = (go if further else until)(window.said, place % len(window.said.turns))
            window.draft = ""
            self._keep(window)

    @rule(which=st.integers(0, 1))
    def open_again(self, which: int) -> None:
        """As after a crash: what was being written counts as interrupted."""
        window = self.windows[which]
        if not window.page.turns and not window.page.draft:
            return
        (entry,) = (each for each in window.store.list() if window.store.load(each.id).position.key == window.page.key)
        window.store.close()
        window.store = Store(self.path)
        kept = window.store.load(entry.id)
        if window.draft:
            there = [(turn.message.content, turn.ending) for turn in kept.conversation.turns]
            assert (window.draft, "interrupted") in there
        window.page, window.said, window.draft = kept.position, kept.conversation, ""
        others = (each for each in self.windows if each is not window and each.page.key == window.page.key)
        if not any(each.draft for each in others):  # what another is still writing is not kept yet
            self._note(window)

    @precondition(lambda self: self.windows[0].page.turns and not self.windows[0].draft)
    @rule()
    def open_the_same(self) -> None:
        """The second window goes on with what the first has kept."""
        first, second = self.windows
        number = next(
            each.id for each in second.store.list() if second.store.load(each.id).position.key == first.page.key
        )
        kept = second.store.load(number)
        second.page, second.said, second.draft = kept.position, kept.conversation, ""

    def _keep(self, window: Window) -> None:
        window.keep()
        self._note(window)

    def _note(self, window: Window) -> None:
        paths = self.kept.setdefault(window.page.key, set())
        for place in range(len(window.said.turns)):
            paths.add(tuple(turn.message.content for turn in until(window.said, place).path))

    @invariant()
    def every_path_that_was_kept_is_there(self) -> None:
        store = self.windows[0].store
        for entry in store.list():
            kept = store.load(entry.id)
            there = {
                tuple(turn.message.content for turn in until(kept.conversation, place).path)
                for place in range(len(kept.conversation.turns))
            }
            assert self.kept[kept.position.key] <= there

    def teardown(self) -> None:
        for window in self.windows:
            window.store.close()
        shutil.rmtree(self.folder)


TestWindows = Windows.TestCase
TestWindows.settings = settings(max_examples=depth(10, 25), stateful_step_count=20)
