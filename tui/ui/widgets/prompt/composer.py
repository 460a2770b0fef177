"""Composer of a question: the prompt, its attachments and its completions."""

import asyncio
from dataclasses import dataclass

from msgspec import Struct
from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import TextArea

from tui.errors import EditorError
from tui.paths import sent_file
from tui.prompt_line.attachments import (
    Attachment,
    complete_path,
    describe,
    gather,
    list_mentioned,
    tokens,
    with_attachments,
)
from tui.prompt_line.completion import CompletionSources, read_sources
from tui.prompt_line.history import add_sent, read_sent
from tui.prompt_line.quotes import unquoted
from tui.terminal import safe, written
from tui.ui.terminal.suspended_editor import edit_externally
from tui.ui.widgets.prompt.attachment_chips import AttachmentChips
from tui.ui.widgets.prompt.prompt import LONG, Prompt
from tui.ui.widgets.prompt.suggestions import Suggestions

PASTED = "pasted text"
"""Name of a long pasted text."""

SEPARATOR = "---------- what stands below this line goes along as pasted text ----------"
"""Line between the prompt and a pasted text in the user's editor."""


class Draft(Struct, frozen=True):
    """Question as typed, with its pasted texts."""

    text: str
    pastes: tuple[Attachment, ...] = ()
    number: int = 0
    """Place in the order in which questions were sent."""


def _joined(drafts: tuple[Draft, ...]) -> tuple[str, tuple[Attachment, ...]]:
    """Return the texts of some drafts, a line each, and their pastes."""
    pastes = (paste for each in drafts for paste in each.pastes)
    return "\n".join(each.text for each in drafts if each.text), tuple(pastes)


class Composer(Vertical):
    """Prompt with its attachments and completions. It posts whole questions and commands."""

    @dataclass
    class Asked(Message):
        """A question with its attachments was sent; the prompt is empty again."""

        text: str
        draft: Draft

    @dataclass
    class Commanded(Message):
        """A line that begins with a slash was sent; the prompt is empty again."""

        text: str
        draft: Draft

    context = 0
    """Context length of the model in tokens; 0 while unknown."""
    keeping = True
    """True if prompts are saved for the next start."""

    def __init__(self, placeholder: str) -> None:
        super().__init__()
        self.prompt = Prompt(placeholder=placeholder)
        self._chips, self._suggestions = AttachmentChips(), Suggestions()
        self._pastes: tuple[Attachment, ...] = ()
        self._last = ("", Draft(""))
        """Newest question and its draft."""
        self._warned = ""
        """Text that was held back once with a warning."""
        self._sent = 0
        """Number of questions and commands sent."""
        self._returned: tuple[Draft, ...] = ()
        """Questions that came back, in their order; the prompt begins with them."""

    def compose(self) -> ComposeResult:
        """Yield completions, attachments and prompt."""
        yield self._suggestions
        yield self._chips
        yield self.prompt

    def on_mount(self) -> None:
        """Read the history of the prompt."""
        self._read_sent()

    def restore(self, draft: Draft) -> None:
        """Put a draft into the prompt, after those sent before it and before what was typed meanwhile."""
        text, pastes = _joined(self._returned)
        if not text or not self.prompt.text.startswith(text) or self._pastes[: len(pastes)] != pastes:
            self._returned, text, pastes = (), "", ()  # sent again, or changed
        later = Draft(self.prompt.text[len(text) :].removeprefix("\n" if text else ""), self._pastes[len(pastes) :])
        self._returned = tuple(sorted((*self._returned, draft), key=lambda each: each.number))
        text, self._pastes = _joined((*self._returned, later))
        if len(text) > LONG:
            self._pastes, text = (*self._pastes, Attachment(PASTED, text)), ""
        self.prompt.set_text(text)
        self._show_chips()

    def restore_failed(self, question: str) -> None:
        """Put a question that failed back into the prompt, unless the next one is being typed."""
        if not self.prompt.text and not self._pastes:
            asked, draft = self._last
            self.restore(draft if asked == question else Draft(question))

    def clear(self) -> bool:
        """Empty the prompt, and add its text to the history; return False if it was empty."""
        draft = Draft(self.prompt.text, self._pastes)
        if draft.text:
            self.prompt.sent_history.remember(draft.text)
        self.prompt.set_text("")
        self._set_pastes(())
        return draft != Draft("")

    def action_begin(self, line: str) -> None:
        """Put the start of a command into the prompt; the old text goes to the history."""
        self.clear()
        self.prompt.set_text(line)
        self.prompt.focus()

    # --- going on ---------------------------------------------------------------------------------------------------

    def on_prompt_completing(self, event: Prompt.Completing) -> None:
        """Show the completions."""
        event.stop()
        self._suggestions.show(event.completion, event.lit)

    def on_suggestions_chosen(self, event: Suggestions.Chosen) -> None:
        """Accept the suggestion that was clicked."""
        event.stop()
        self.prompt.accept(event.index)
        self.prompt.focus()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Look up files and presets that the typed text may name."""
        event.stop()
        text, line = self.prompt.text, self.prompt.line
        if text.startswith("/") and (text == "/" or self.prompt.library == CompletionSources()):
            self._read_sources()
        if "@" in text or self._chips.display:
            self._look_up(text, line)

    @work(group="names", exclusive=True)
    async def _read_sources(self) -> None:
        self.prompt.library = await asyncio.to_thread(read_sources)

    @work(group="files", exclusive=True)
    async def _look_up(self, text: str, line: str) -> None:
        completion = await asyncio.to_thread(complete_path, line)
        if "@" in line:
            self.prompt.offer(line, completion)
        self._show_chips(await asyncio.to_thread(list_mentioned, text))

    # --- what goes along --------------------------------------------------------------------------------------------

    def on_prompt_pasted(self, event: Prompt.Pasted) -> None:
        """Attach a long pasted text."""
        event.stop()
        self._set_pastes((*self._pastes, Attachment(PASTED, written(event.text))))

    def on_prompt_backed_out(self, event: Prompt.BackedOut) -> None:
        """Remove the last pasted text."""
        event.stop()
        self._set_pastes(self._pastes[:-1])

    def on_attachment_chips_removed(self, event: AttachmentChips.Removed) -> None:
        """Remove the pasted text that was clicked."""
        event.stop()
        self._set_pastes(self._pastes[: event.index] + self._pastes[event.index + 1 :])

    def _set_pastes(self, pastes: tuple[Attachment, ...]) -> None:
        self._pastes = pastes
        self._show_chips()
        self._look_up(self.prompt.text, "")

    def _show_chips(self, files: tuple[tuple[str, int], ...] = ()) -> None:
        self.prompt.attached = bool(self._pastes)
        self._chips.show(tuple(describe(*file) for file in files), tuple(map(str, self._pastes)))

    async def on_prompt_edit_asked(self, event: Prompt.EditAsked) -> None:
        """Open the user's editor on the text and the pasted texts."""
        event.stop()
        self._edit()

    @work(group="edit", exclusive=True)
    async def _edit(self) -> None:
        parts = (self.prompt.text, *(paste.text for paste in self._pastes))
        try:
            text, *pasted = (await edit_externally(self.app, f"\n{SEPARATOR}\n".join(parts))).split(f"\n{SEPARATOR}\n")
        except EditorError as error:
            self.notify(safe(str(error)), severity="error", markup=False)
            return
        self.prompt.set_text("")
        self._set_pastes(())
        self.restore(Draft(text, tuple(Attachment(PASTED, written(each)) for each in pasted if each)))

    # --- sending ----------------------------------------------------------------------------------------------------

    async def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        """Post a command as it is, and a question with its attachments."""
        event.stop()
        self._sent += 1
        draft = Draft(event.text, self._pastes, self._sent)
        if self.prompt.purpose:  # a message said before: its words are meant as they stand
            self.post_message(self.Asked(event.text, draft))
            return
        if event.text.startswith("/"):
            self._save_sent(event.text)
            self.post_message(self.Commanded(event.text, Draft(event.text, number=self._sent)))
            return
        self._set_pastes(())
        text = unquoted(event.text)
        gathered = await asyncio.to_thread(gather, text)
        along = (*gathered.attachments, *draft.pastes)
        trouble = gathered.faults[0] if gathered.faults else self._excess(along)
        if trouble and self._warned != draft.text:
            self._warned = draft.text
            self.restore(draft)
            way = "without it" if gathered.faults else "all the same"
            self.notify(safe(f"{trouble} Enter again sends the text {way}."), severity="warning", markup=False)
            return
        self._warned = ""
        self._save_sent(event.text)
        whole = with_attachments(text, along)
        self._last = (whole, draft)
        self.post_message(self.Asked(whole, draft))

    def _excess(self, along: tuple[Attachment, ...]) -> str:
        """Return a warning if the attachments exceed the context."""
        needed = tokens(sum(each.size for each in along))
        if not self.context or needed <= self.context:
            return ""
        names = " and ".join(dict.fromkeys(each.name for each in along))
        return f"{names}: about {needed:,} tokens, and the context holds {self.context:,}; turn num_ctx up."

    @work(group="save")
    async def _save_sent(self, text: str) -> None:
        if self.keeping and text.strip():
            await asyncio.to_thread(add_sent, sent_file(), text)

    @work(group="recall")
    async def _read_sent(self) -> None:
        before = await asyncio.to_thread(read_sent, sent_file())
        self.prompt.sent_history.recall(before)
