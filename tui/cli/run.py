"""`twiddle run`: one reply on standard output."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import asdict

from tui.cli.arguments import SETTING_HELP, ModelName, choose, read_prompt, reads_as_setting
from tui.cli.signals import run_async, stopped_by_ctrl_c
from tui.cli.stderr import WaitingLine, format_cost, print_hint, print_notice, print_thought
from tui.cli.stdout import errors_as_json, print_line
from tui.conversation.conversation import Message
from tui.conversation.thinking import Thought
from tui.engine.loaded_model import ModelInfo
from tui.engine.process.headless import HeadlessEngine
from tui.engine.protocol import Finished, Prefill, ReplyRequest, Thinking, Token
from tui.knobs.table import with_seed
from tui.terminal import TextFilter


class ThoughtSplit:
    """Text so far, and how much of its thought and answer was returned."""

    def __init__(self) -> None:
        self.thought: Thought | None = None
        """Position of the thought in the text."""
        self._text, self._crossed = "", -1
        self._handed = [0, 0]

    def thinks(self, token: Token) -> bool:
        """Return True if the token belongs to the thought or its tags."""
        return self.thought is not None and (self.thought.end is None or token.index <= self._crossed)

    def feed(self, event: Thinking | Token | Finished) -> tuple[str, str]:
        """Return the new text of thought and answer, without the line ends beside the tags."""
        if isinstance(event, Thinking):
            self.thought, self._crossed = event.thought, event.index
            return "", ""
        self._text += event.text if isinstance(event, Token) else event.tail
        thought, answer = self.thought.parts(self._text) if self.thought else ("", self._text)
        if self.thought:
            answer = answer.lstrip("\n")
        new = []
        for place, part in enumerate((thought.strip("\n"), answer)):
            new.append(part[self._handed[place] :])
            self._handed[place] = max(self._handed[place], len(part))
        return new[0], new[1]


Told = Thinking | Token | Finished
Show = Callable[[Told], None]
Shown = AbstractContextManager[Show]
"""Context manager that shows the events of one reply."""


def run(
    setting: Annotated[str | None, typer.Argument(metavar="SETTING", help=SETTING_HELP)] = None,
    prompt: Annotated[str | None, typer.Argument(metavar="PROMPT", help="The question.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line, one for each token.")] = False,
    model: ModelName = None,
    hidethinking: Annotated[bool, typer.Option("--hidethinking", help="Do not show the thought of the model.")] = False,
) -> None:
    """Stream one reply to standard output. A thought is shown only on a terminal.

    A lone argument is the SETTING if it names a preset or a model, or reads as knob=value without blanks; else it is
    the PROMPT. What is piped in is added after the prompt.
    """
    if prompt is None and setting is not None and not reads_as_setting(setting):
        setting, prompt = None, setting
    with errors_as_json(as_json):
        asked = read_prompt(prompt)
        chosen, file = choose(setting, model)
        for note in chosen.preset.notes:
            print_notice(note)
        preset = chosen.preset
        messages = (*preset.opening, Message("user", asked))
        pair = chosen.pair._replace(answer=with_seed(chosen.knobs))
        template, thinking = preset.template or "", pair.while_thinking
        reply = ReplyRequest("run", messages, pair.answer, template=template, thinking=thinking)
        finished = run_async(_write(reply, file, as_lines() if as_json else as_text(hidethinking)))
    if finished.ending == "stopped":
        raise typer.Exit(130)


@contextmanager
def as_text(hidethinking: bool = False) -> Iterator[Show]:
    """Print a reply as it is for a program, with nothing in it that acts on a terminal for a person.

    Its thought is no part of that: a person sees it on stderr.
    """
    clean, aside = TextFilter() if sys.stdout.isatty() else str, TextFilter()
    so_far, begun, answered = ThoughtSplit(), False, False

    def show(event: Told) -> None:
        nonlocal begun, answered
        begun, (thought, answer) = True, so_far.feed(event)
        if so_far.thought and not hidethinking:
            print_thought(aside(thought) + ("\n\n" if answer and not answered else ""))
        answered = answered or bool(answer)
        print(clean(answer), end="", flush=True)

    try:
        yield show
    finally:
        if begun:
            print(flush=True)


@contextmanager
def as_lines() -> Iterator[Show]:
    """Print events as JSON lines; the field `thinking` is there when the model has thought."""
    so_far = ThoughtSplit()

    def show(event: Told) -> None:
        so_far.feed(event)
        if isinstance(event, Token):
            trace, aside = event.trace, {"thinking": True} if so_far.thinks(event) else {}
            print_line(
                event="token", index=event.index, id=trace.id, text=event.text, p=trace.p, p_raw=trace.p_raw, **aside
            )
        elif isinstance(event, Finished):
            finish, stats = event.ending, asdict(event.stats)
            text, told = event.text, {}
            if event.thought:
                inner, answer = event.thought.parts(event.text)
                text, told = answer.lstrip("\n"), {"thinking": inner.strip("\n")}
            print_line(event="finished", text=text, **told, finish=finish, seed=event.seed, stats=stats)

    yield show


async def _write(reply: ReplyRequest, model: Path, shown: Shown) -> Finished:
    async with HeadlessEngine(print_notice) as session:
        with WaitingLine() as waiting:
            info = await session.load(model, reply.knobs, waiting.loading)
            if info.notice:
                print_notice(info.notice)
            with shown as show, stopped_by_ctrl_c(session):
                async for event in session.write(reply):
                    if isinstance(event, Prefill):
                        waiting.reading(event.done, event.total)
                    else:
                        waiting.close()
                        show(event)
    assert isinstance(event, Finished), "a reply that did not fail ends with it"
    if event.thought and event.thought.answer is None and event.ending != "stopped":
        print_notice("The reply ended within its thought, so there is no answer: " + _why_unanswered(event, reply))
    if event.ending == "length":
        print_hint(_why_cut(reply, event, info))
    print_hint(format_cost(event.stats, event.seed))
    return event


def _why_unanswered(finished: Finished, reply: ReplyRequest) -> str:
    if finished.ending == "length":
        return "raise num_predict or num_ctx."
    return "a stop string fell inside it." if reply.knobs.stop else "the model wrote no more."


def _why_cut(reply: ReplyRequest, finished: Finished, info: ModelInfo) -> str:
    limit = reply.knobs.num_predict
    if 0 <= limit <= finished.stats.generated_tokens:
        return f"The reply was cut after {limit} tokens, as num_predict says."
    return f"The reply was cut because the context of {info.context} tokens is full; num_ctx makes it larger."
