"""The stage chain: it orders the stages, applies them, records what each removed, and draws.

Deciding and explaining are one pass: the token is drawn from the very probabilities that the trace shows. The maths of
each stage is llama.cpp's own; nothing is rewritten here. What llama.cpp leaves to a generator of its own (the chance of
XTC, the draw of mirostat and adaptive-p) is decided by our counter-based draws, so that a reply can be replayed.
"""

from collections.abc import Sequence
from math import log2

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from tui.conversation.trace import StageTrace
from tui.engine.backend import CANDIDATE, Candidates, Logits, StageFactory
from tui.engine.sampling.distribution import Distribution, Survivors, among, likeliest
from tui.errors import EngineError
from tui.knobs.knob import Value
from tui.knobs.lint import is_active
from tui.knobs.table import KNOBS, Knobs

_REMEMBERING = ("penalties", "dry")
"""Stages that look at the tokens before. Only those tokens can change, so they are shown those alone."""


_NEEDING_FINITE = ("typical_p", "xtc")
"""Stages whose maths goes wrong on a logit of -inf, which is how some others cut (0 x log 0 in typical_p's entropy)."""


class AdaptiveState(Struct, frozen=True):
    """State of mirostat and adaptive-p after the tokens chosen so far."""

    mu: float
    """The surprise up to which mirostat keeps candidates, in bits: it begins at twice tau (Basu et al. 2021)."""
    total: float
    weight: float
    """Decayed sum of the probabilities of the tokens chosen, and of their weights, as in llama.cpp's adaptive-p."""

    @staticmethod
    def initial(knobs: Knobs) -> "AdaptiveState":
        """Return the state before the first token."""
        weight = 1 / (1 - knobs.adaptive_decay)
        return AdaptiveState(2 * knobs.mirostat_tau, max(knobs.adaptive_target, 0.0) * weight, weight)

    def updated(self, knobs: Knobs, chosen: float, untouched: float) -> "AdaptiveState":
        """Return the state after a token of probability `chosen`; `untouched` is its probability before adaptive-p."""
        mu = self.mu
        if knobs.mirostat and chosen > 0:
            mu -= knobs.mirostat_eta * (-log2(chosen) - knobs.mirostat_tau)
        decay = knobs.adaptive_decay
        return AdaptiveState(mu, untouched + decay * self.total, 1 + decay * self.weight)

    def aim(self, knobs: Knobs) -> float:
        """Return the probability that adaptive-p prefers for the next token."""
        return min(max(2 * knobs.adaptive_target - self.total / self.weight, 0.0), 1.0)


class Chain:
    """The stages that one set of knobs switches on, with what they remember of one reply."""

    def __init__(
        self, knobs: Knobs, make_stage: StageFactory, history: Sequence[int], feedback: AdaptiveState | None = None
    ) -> None:
        """`history` is the prompt and the reply so far; `feedback` comes from the chain before a knob was turned."""
        self._knobs, self._make = knobs, make_stage
        self.feedback = feedback or AdaptiveState.initial(knobs)
        self._order = order(knobs)
        self._fixed = {name: make_stage(name, knobs, 0.0) for name in self._order if name not in _AIMED}
        self._seen = {"penalties": knobs.repeat_last_n, "dry": knobs.dry_penalty_last_n}
        remembering = [name for name in _REMEMBERING if name in self._fixed]
        if remembering:
            for token in _last(history, *(self._seen[name] for name in remembering)):
                for name in remembering:
                    self._fixed[name].accept(token)

    @property
    def learns(self) -> bool:
        """True if a stage depends on the probabilities of earlier tokens, and not only on the tokens."""
        return any(name in _AIMED for name in self._order)

    @property
    def key(self) -> tuple[object, ...]:
        """Key of the distribution: equal keys over equal tokens give equal distributions."""
        return (*stage_values(self._knobs), self.feedback)

    def accept(self, token: int, p: float, untouched: float) -> None:
        """Remember the token chosen, which had this probability, and that before adaptive-p."""
        for stage in self._fixed.values():
            stage.accept(token)
        self.feedback = self.feedback.updated(self._knobs, p, untouched)

    def run(
        self,
        logits: Logits,
        history: Sequence[int],
        chance: float = 0.0,
        allowed: npt.NDArray[np.bool_] | None = None,
    ) -> Distribution:
        """Apply the stages to the scores of one position; neither the logits nor the chain are changed.

        `chance` (0 to 1) decides whether XTC acts on this token. `allowed` is what a constraint allows, shape
        (vocabulary,). Raises EngineError when nothing is left.
        """
        top = likeliest(logits)
        # A top_k that comes first need see no more than the likeliest.
        few = allowed is None and self._order[:1] == ("top_k",) and self._knobs.top_k <= len(top)
        ids = top if few else np.arange(len(logits), dtype=np.int32)
        candidates = np.empty(len(ids), CANDIDATE)
        candidates["id"], candidates["logit"] = ids, logits[top] if few else logits
        return Distribution(logits, self.apply(candidates, history, chance, top, allowed), top, allowed)

    def apply(
        self,
        candidates: Candidates,
        history: Sequence[int],
        chance: float,
        watched: npt.NDArray[np.int64],
        allowed: npt.NDArray[np.bool_] | None = None,
    ) -> Survivors:
        """Send candidates through the stages, and note which stage cut each of the watched tokens.

        Raises EngineError when nothing is left.
        """
        steps: list[StageTrace] = []
        cut: dict[int, str] = {}
        untouched = None
        survivors = len(candidates)
        for name in ("constraint", *self._order) if allowed is not None else self._order:
            if name == "xtc" and chance > self._knobs.xtc_probability:
                continue
            if name == "adaptive_p":
                untouched = candidates.copy()
            candidates = candidates[allowed] if name == "constraint" else self._apply(name, candidates, history)
            left = _left(candidates)
            steps.append(StageTrace(name, len(left)))
            if len(left) < survivors:
                survivors = len(left)
                there = among(watched, left["id"])
                cut |= dict.fromkeys(watched[~there].tolist(), name)
                watched = watched[there]
        left = _left(candidates)
        if not len(left):
            emptied = next((step.name for step in steps if not step.survivors), "nothing")
            raise EngineError(f"{emptied} leaves none of the model's tokens here.")
        return Survivors(left, tuple(steps), cut, untouched)

    def _apply(self, name: str, candidates: Candidates, history: Sequence[int]) -> Candidates:
        if name in _NEEDING_FINITE:
            candidates = _left(candidates)
        stage = self._fixed.get(name) or self._make(name, self._knobs, self._level(name))
        if name not in _REMEMBERING:
            return stage.apply(candidates)
        seen = np.isin(candidates["id"], np.unique(np.asarray(_last(history, self._seen[name]), dtype=np.int32)))
        candidates[seen] = stage.apply(candidates[seen])
        return candidates

    def _level(self, name: str) -> float:
        return self.feedback.mu if name == "mirostat" else self.feedback.aim(self._knobs)


_AIMED = ("mirostat", "adaptive_p")
"""Stages made anew for every token, with what they aim at."""


def order(knobs: Knobs) -> tuple[str, ...]:
    """Return the names of the stages that act with these knobs, in the order they run.

    As in llama.cpp: mirostat takes the place of everything but the bias and temperature, adaptive-p comes last. A
    search looks for what is likely, so that only what holds repetition back bends its odds: as in `generate` of Hugging
    Face, whose searches leave out temperature, top-k and the like.
    """
    stages: tuple[str, ...] = knobs.sampler_order
    if knobs.strategy != "sample":
        stages = tuple(name for name in stages if name in _REMEMBERING)
        stages += ("greedy",) if knobs.strategy == "greedy" else ()
    elif knobs.mirostat:
        stages = ("temperature", "mirostat")
    elif knobs.adaptive_target >= 0:
        stages = (*stages, "adaptive_p")
    return tuple(name for name in ("logit_bias", *stages) if is_active(name, knobs))


def stage_values(knobs: Knobs) -> tuple[Value, ...]:
    """Return the values of all knobs that affect the stages: equal values make equal chains."""
    return (knobs.strategy, knobs.sampler_order, *(getattr(knobs, row.name) for row in KNOBS.values() if row.stage))


def draw(seed: int, index: int, stream: int = 0) -> float:
    """Return the random number, 0 <= u < 1, that chooses the token at an index of a reply.

    It depends on nothing else (Philox, Salmon et al. 2011, key = seed, counter = index and stream): two replies with
    one seed differ only because of their knobs, and a branch at a token replays the draws after it. Stream 1 is XTC's.
    """
    raw: int = np.random.Philox(key=seed, counter=[index, stream, 0, 0]).random_raw()
    return (raw >> 11) * 2.0**-53


def _last(history: Sequence[int], *counts: int) -> Sequence[int]:
    """Return the tokens in the longest of some windows, whose sizes are `counts`; -1 is the whole history."""
    return history if min(counts) < 0 else history[max(0, len(history) - max(counts)) :]


def _left(candidates: Candidates) -> Candidates:
    """Drop the candidates that a stage has cut with a logit of -inf."""
    finite = np.isfinite(candidates["logit"])
    return candidates if finite.all() else candidates[finite]
