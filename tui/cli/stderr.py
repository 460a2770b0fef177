"""Messages, hints and progress on stderr, beside the reply on stdout."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from tui.conversation.reply_record import Stats
from tui.terminal import safe, safe_line


def print_notice(sentence: str) -> None:
    """Print one line."""
    print(f"twiddle: {safe_line(sentence)}", file=sys.stderr, flush=True)


def print_hint(remark: str) -> None:
    """Print one dim line if stderr is a terminal."""
    if sys.stderr.isatty():
        Console(stderr=True).print(Text(safe_line(remark), "dim"))


def print_thought(thought: str) -> None:
    """Print a piece of a thought, dim and italic, if stderr is a terminal."""
    if sys.stderr.isatty():
        Console(stderr=True, soft_wrap=True).print(Text(safe(thought), "dim italic"), end="")


def format_cost(stats: Stats, seed: int) -> str:
    """Format seed, tokens, speed and latency of a reply in one line."""
    return (
        f"seed {seed} · {stats.generated_tokens} tokens · {stats.tokens_per_second:.0f} tok/s"
        f" · first token {stats.ttft_ms:.0f} ms"
    )


class WaitingLine:
    """Status line on a terminal while the engine loads, reads or writes; removed at the end."""

    def __init__(self) -> None:
        # No thread repaints it: what steals from a core steals from the model.
        self._line = Live(console=Console(stderr=True), auto_refresh=False, transient=True, redirect_stdout=False)

    def __enter__(self) -> Self:
        self._line.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the line."""
        self._line.stop()

    def loading(self, share: float) -> None:
        """Show how much of the model is loaded, 0 to 1."""
        self._say(f"Loading the model, {share:.0%}")

    def reading(self, done: int, total: int) -> None:
        """Show how many tokens of the prompt are evaluated."""
        self._say(f"Reading the prompt, {done} of {total} tokens")

    def writing(self, tokens: int) -> None:
        """Show how many tokens are written."""
        if tokens % 10 == 0:
            self._say(f"Writing, {tokens} tokens")

    def _say(self, what: str) -> None:
        self._line.update(Text(what, "dim"), refresh=True)
