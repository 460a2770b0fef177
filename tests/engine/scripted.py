"""Scripted models: a byte a token, replies by heart, delays and deaths on cue. No file, no weights.

`python tests/engine/scripted.py` is the child process that serves them: the real engine, but for the model.
"""

import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event

import numpy as np
from msgspec import Struct, json

from tui.engine.backend import (
    Backend,
    BatchRow,
    ContextFull,
    Decoded,
    Hidden,
    Interrupted,
    Logits,
    SamplerStage,
    StageFactory,
)
from tui.engine.loaded_model import ModelInfo
from tui.engine.process import client
from tui.engine.protocol import Load
from tui.knobs.table import Knobs

SCRIPTED_CHILD = ("-P", str(Path(__file__).resolve()))
"""Arguments of Python for an engine that plays scripts."""

_SCHEME = "fake:"

START, END = 256, 257
_SPELLED = {START: "<|im_start|>", END: "<|im_end|>"}
_CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

WITHOUT_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + _CHATML
)
"""As Gemma has it."""


class Script(Struct, frozen=True):
    """Replies and behaviour of a scripted model."""

    replies: tuple[str, ...] = ("Hello from the script.",)
    """The n-th question of a conversation gets the n-th reply; past the last, they begin again."""
    sureness: float = 6.0
    """How far the logit of the next byte of the script stands above the others, which are spread over 0 to 3."""
    delay: float = 0.0
    """Seconds that a decode takes."""
    load_delay: float = 0.0
    context: int = 4096
    die_at: int = -1
    """Abort the process, as ggml does, when a reply has this many tokens."""
    load_dies: bool = False
    template: str | None = _CHATML
    base: bool = False

    @property
    def path(self) -> str:
        """The script as the path of a model; without a slash, so that no Path can change it."""
        return _SCHEME + json.encode(self).decode().replace("/", "\\u002f")


class ScriptedBackend:
    """A model that says what it was told to."""

    def __init__(self, script: Script, make_stage: StageFactory, progress: Callable[[float], None]) -> None:
        """`make_stage` makes the stages: they are llama.cpp's own here too."""
        if script.load_dies:
            os.abort()
        for share in (0.0, 0.5, 1.0):
            progress(share)
            time.sleep(script.load_delay / 3)
        self._script = script
        self._make_stage = make_stage
        self.cuttable, self.sequences, self.batch = True, 48, 512
        self.shiftable = True
        self.interrupt = Event()
        self.template, self.bos, self.eos = script.template, _SPELLED[START], _SPELLED[END]
        self._held: dict[int, list[int]] = {}
        self._cells: dict[int, list[int]] = {}
        """What each sequence takes of the context, a hash a token: a beginning that several hold is there once."""
        self.decoded = 0
        """Rows evaluated so far."""
        self.info = ModelInfo(
            path=_SCHEME,
            name="scripted",
            description="a script",
            vocabulary=258,
            context=script.context,
            trained_context=script.context,
            base=script.base,
        )

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        tokens: list[int] = []
        for part in re.split(r"(<\|im_start\|>|<\|im_end\|>)", text) if special else [text]:
            controls = [token for token, spelled in _SPELLED.items() if spelled == part]
            tokens += controls if special and controls else part.encode()
        return tokens

    def piece(self, token: int) -> bytes:
        return bytes([token]) if 0 <= token < 256 else b""

    def label(self, token: int) -> str:
        return _SPELLED.get(token) or self.piece(token).decode("utf-8", "replace")

    def opening(self) -> list[int]:
        return []

    def is_end(self, token: int) -> bool:
        return token == END

    def is_control(self, token: int) -> bool:
        return token in _SPELLED

    def decode(self, rows: Sequence[BatchRow]) -> Decoded:
        if len(rows) > self.sequences and self.interrupt.wait(self._script.delay):
            raise Interrupted
        time.sleep(self._script.delay)
        if len(set().union(*self._cells.values())) + len(rows) > self.info.context:
            raise ContextFull
        logits, hidden = [], []
        for row in rows:
            held = self._held.setdefault(row.sequence, [])
            if row.position != len(held):
                raise AssertionError(f"sequence {row.sequence} holds {len(held)} tokens, not {row.position}")
            held.append(row.token)
            cells = self._cells.setdefault(row.sequence, [])
            cells.append(hash((cells[-1] if cells else 0, row.token)))
            self.decoded += 1
            if row.logits:
                logits.append(self._logits(held))
            if row.hidden:
                hidden.append(self.state(held))
        return Decoded(logits, hidden)

    def copy(self, source: int, target: int, length: int) -> None:
        self._held[target], self._cells[target] = self._held[source][:length], self._cells[source][:length]

    def shift(self, sequence: int, keep: int, count: int) -> bool:
        if not self.shiftable:
            return False
        for kept in (self._held[sequence], self._cells[sequence]):
            del kept[keep : keep + count]
        return True

    def drop(self, sequence: int) -> None:
        self._held[sequence], self._cells[sequence] = [], []

    def stage(self, name: str, knobs: Knobs, level: float = 0.0) -> SamplerStage:
        return self._make_stage(name, knobs, level)

    def close(self) -> None:
        self._held.clear()

    def state(self, held: list[int]) -> Hidden:
        """The hidden state of the last of some tokens; a pair of tokens said before has the same one."""
        return np.random.default_rng(held[-2:]).standard_normal(16).astype(np.float32)

    def _logits(self, held: list[int]) -> Logits:
        """The script's next byte stands out; the rest depends on the tokens before and on nothing else."""
        start = len(held) - held[::-1].index(START) if START in held else 0
        written = bytes(token for token in held[start:] if token < 256).removeprefix(b"assistant\n")
        questions = bytes(min(token, 255) for token in held).count(b"\xffuser\n")
        reply = self._script.replies[max(0, questions - 1) % len(self._script.replies)].encode()
        if len(written) == self._script.die_at:
            os.abort()
        noise = np.random.default_rng(len(held) * 1000 + held[-1])
        logits = noise.uniform(0, 3, 258).astype(np.float32)
        logits[END] = logits[START] = -5
        logits[reply[len(written)] if len(written) < len(reply) else END] = 3 + self._script.sureness
        return logits


def open_scripted(command: Load, progress: Callable[[float], None]) -> Backend:
    """Open the script that the path is, or else the model that it names."""
    from tui.engine.llama import make_stage
    from tui.engine.loop import open_llama

    if not command.path.startswith(_SCHEME):
        return open_llama(command, progress)
    return ScriptedBackend(json.decode(command.path.removeprefix(_SCHEME), type=Script), make_stage, progress)


def serve_scripts() -> None:
    """Have every engine that this program starts play scripts."""
    client.CHILD = SCRIPTED_CHILD


if __name__ == "__main__":
    from tui.engine.__main__ import main

    main(open_scripted)
