"""Previews: the distribution of the next token, for a Preview command."""

from collections.abc import Sequence

from tui.engine.backend import Backend
from tui.engine.constraint.constraint import Constraint
from tui.engine.decode.branch import Branch, Move
from tui.engine.decode.generation import Emit
from tui.engine.protocol import Failed, Previewed
from tui.engine.sampling.chain import Chain
from tui.knobs.table import Knobs


class PreviewReader:
    """Reads the logits once and writes nothing."""

    hidden = False

    def __init__(
        self, preview_id: str, knobs: Knobs, constraint: Constraint | None, backend: Backend, emit: Emit
    ) -> None:
        self.id, self.knobs = preview_id, knobs
        self._constraint, self._backend, self._emit = constraint, backend, emit

    def choose(self, branches: Sequence[Branch]) -> list[Move]:
        """Emit the distribution of the next token; choose none."""
        (branch,) = branches
        chain = Chain(self.knobs, self._backend.stage, branch.tokens)
        # XTC acts only sometimes: a preview shows what it does then.
        allowed = self._constraint.mask() if self._constraint else None
        odds = branch.odds((self.id,), lambda logits: chain.run(logits, branch.tokens, 0.0, allowed))
        trace, record = odds.choice(-1, self._backend.label)
        self._emit(Previewed(self.id, trace, len(branch.tokens), record))
        return []

    def on_prefix(self, reused: int) -> None:
        """Ignore it: a preview has no statistics."""

    def on_progress(self, done: int, total: int) -> None:
        """Ignore it: the progress of a preview is not shown."""

    def keeps(self) -> int | None:
        """Forbid a context shift: it would change the prompt that the preview is about."""
        return None

    def on_shift(self, dropped: int) -> None:
        """Ignore it: a preview is not shifted."""

    def on_context_full(self) -> None:
        """Fail, since a running reply needs the room."""
        self.fail("The context has no room for a preview beside the replies that are running.")

    def fail(self, reason: str) -> None:
        """Emit the reason why the preview has no result."""
        self._emit(Failed(self.id, reason))
