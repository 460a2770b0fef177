"""Lint for knobs: which have no effect because of other knobs, and why.

The rules follow the sampler chain (`order` in `tui.engine.sampling.chain`).
"""

from collections.abc import Iterable, Iterator

from tui.knobs.table import CONSTRAINTS, KNOBS, Knobs

_PENALTIES = ("repeat_penalty", "presence_penalty", "frequency_penalty")
_KEEPING_THE_LIKELIEST = ("top_n_sigma", "top_k", "top_p", "min_p")
"""Stages that cut unlikely candidates only; the others can change which token is the likeliest."""
_SEARCHED = ("penalties", "dry", "logit_bias")
"""Stages that also act on beam and contrastive search; see `order`."""
_BEAM = ("num_beams", "length_penalty", "early_stopping")
_CONTRASTIVE = ("penalty_alpha", "contrastive_k")


def is_active(stage: str, knobs: Knobs) -> bool:
    """Return True if the stage has an effect with these knobs."""
    match stage:
        case "logit_bias":
            return bool(knobs.logit_bias)
        case "penalties":
            return knobs.repeat_last_n != 0 and not _unpenalized(knobs)
        case "dry":
            return knobs.dry_multiplier > 0 and knobs.dry_penalty_last_n != 0
        case "xtc":
            return knobs.xtc_probability > 0 and knobs.xtc_threshold <= 0.5
        case "top_n_sigma":
            return knobs.top_n_sigma > 0
        case "temperature":
            return knobs.temperature != 1 or knobs.dynatemp_range > 0
        case "mirostat" | "adaptive_p" | "greedy":
            return True
    (row,) = [row for row in KNOBS.values() if row.stage == stage]
    return bool(getattr(knobs, row.name) != row.neutral)


def inert(knobs: Knobs) -> dict[str, str]:
    """Return the knobs without effect whatever their value, each with a short reason."""
    found: dict[str, str] = {}
    for name, reason in _reasons(knobs):
        found.setdefault(name, reason)
    return {name: found[name] for name in KNOBS if name in found}


def idle(knobs: Knobs) -> dict[str, str]:
    """Return the stages of the sampler order without effect, each with a short reason."""
    without = inert(knobs)
    found: dict[str, str] = {}
    for stage in knobs.sampler_order:
        names = _driving(stage)
        if all(name in without for name in names):
            found[stage] = without[names[0]]
        elif not is_active(stage, knobs):
            found[stage] = _neutral(stage, knobs) or next((without[name] for name in names if name in without), "off")
    return found


def _neutral(stage: str, knobs: Knobs) -> str:
    """Return a phrase for the knob at whose value the stage is off; empty if there is none."""
    name = next((name for name in _driving(stage) if getattr(knobs, name) == KNOBS[name].neutral), "")
    if not name or name in _PENALTIES:
        return name and "the penalties are off"
    return f"{name} is {KNOBS[name].show(getattr(knobs, name))}"


def in_vain(knobs: Knobs) -> dict[str, str]:
    """Return the knobs that differ from their default without effect, each with a short reason."""
    found = dict(_off_all_the_same(knobs)) | inert(knobs)
    return {name: found[name] for name in knobs.differing(Knobs()) if name in found}


def conflict(knobs: Knobs) -> str:
    """Return a sentence about constraints that exclude each other; empty when at most one is set."""
    bound = [name for name in CONSTRAINTS if getattr(knobs, name) != KNOBS[name].default]
    if len(bound) < 2:
        return ""
    return f"{', '.join(bound[:-1])} and {bound[-1]} are set, but a reply can follow one only; clear the others."


def _reasons(knobs: Knobs) -> Iterator[tuple[str, str]]:
    """Yield knobs without effect with their reasons; the first for a knob explains most."""
    if knobs.strategy != "beam":
        yield from _all(_BEAM, f"strategy is {knobs.strategy}")
    if knobs.strategy != "contrastive":
        yield from _all(_CONTRASTIVE, f"strategy is {knobs.strategy}")
    if knobs.context_full == "stop":
        yield "num_keep", "context_full is stop"
    if knobs.strategy != "sample":
        yield from _under_search(knobs)
    elif knobs.mirostat:
        yield from _under_mirostat(knobs)
    else:
        yield from _all(("mirostat_tau", "mirostat_eta"), "mirostat is off")
        yield from _left_out(knobs)
        yield from _when_cold(knobs)
    yield from _switched_off(knobs)


def _all(names: Iterable[str], reason: str) -> Iterator[tuple[str, str]]:
    return ((name, reason) for name in names)


def _driving(*stages: str) -> tuple[str, ...]:
    return tuple(name for name, row in KNOBS.items() if row.stage in stages)


def _under_search(knobs: Knobs) -> Iterator[tuple[str, str]]:
    reason = f"strategy is {knobs.strategy}"
    for name, row in KNOBS.items():
        if row.stage and row.stage not in _SEARCHED:
            yield name, reason
    yield "seed", reason
    yield from _left_out(knobs)


def _under_mirostat(knobs: Knobs) -> Iterator[tuple[str, str]]:
    for name, row in KNOBS.items():
        if row.stage and row.stage not in ("logit_bias", "temperature", "mirostat"):
            yield name, "mirostat is on"
    yield "sampler_order", "mirostat is on"
    if knobs.temperature == 0 and not knobs.dynatemp_range:
        yield from _all(("mirostat_tau", "mirostat_eta", "seed"), "temperature is 0")


def _left_out(knobs: Knobs) -> Iterator[tuple[str, str]]:
    for name, row in KNOBS.items():
        if row.stage in KNOBS["sampler_order"].choices and row.stage not in knobs.sampler_order:
            yield name, f"{row.stage} is not in sampler_order"


def _when_cold(knobs: Knobs) -> Iterator[tuple[str, str]]:
    order = knobs.sampler_order
    if "temperature" not in order or knobs.temperature or knobs.dynatemp_range:
        return
    before, after = order[: order.index("temperature")], order[order.index("temperature") + 1 :]
    # One candidate is left from there on. Before it, a stage that keeps the likeliest changes nothing, unless a later
    # stage changes which of the rest is the likeliest: XTC removes nothing where top_k has left one.
    reordering = [stage for stage in before if _reorders(stage, knobs)]
    after_reordering = before[before.index(reordering[-1]) :] if reordering else before
    keeping = (stage for stage in after_reordering if stage in _KEEPING_THE_LIKELIEST)
    yield from _all(_driving(*after, "adaptive_p", *keeping), "temperature is 0")
    if "xtc" not in reordering:
        yield "seed", "temperature is 0"


def _reorders(stage: str, knobs: Knobs) -> bool:
    """Return True if the stage is on and can change which token is the likeliest."""
    return stage in ("penalties", "dry", "typical_p", "xtc") and is_active(stage, knobs)


def _unpenalized(knobs: Knobs) -> bool:
    return all(getattr(knobs, name) == KNOBS[name].neutral for name in _PENALTIES)


def _switched_off(knobs: Knobs) -> Iterator[tuple[str, str]]:
    """Yield knobs that another knob switches off."""
    if knobs.repeat_last_n == 0:
        yield from _all(_PENALTIES, "repeat_last_n is 0")
    if _unpenalized(knobs):
        yield "repeat_last_n", "the penalties are off"
    if knobs.dry_multiplier == 0:
        others = (name for name in _driving("dry") if name != "dry_multiplier")
        yield from _all(others, "dry_multiplier is 0")
    if knobs.dry_penalty_last_n == 0:
        others = (name for name in _driving("dry") if name != "dry_penalty_last_n")
        yield from _all(others, "dry_penalty_last_n is 0")
    if knobs.xtc_probability == 0:
        yield "xtc_threshold", "xtc_probability is 0"
    if knobs.xtc_threshold > 0.5:
        yield "xtc_probability", "xtc_threshold is above 0.5"
    if knobs.dynatemp_range == 0:
        yield "dynatemp_exponent", "dynatemp_range is 0"
    if knobs.adaptive_target < 0:
        yield "adaptive_decay", "adaptive_target is off"
    if knobs.strategy == "contrastive" and knobs.penalty_alpha == 0:
        yield "contrastive_k", "penalty_alpha is 0"
    if bool(knobs.think_open) != bool(knobs.think_close):
        yield ("think_open", "think_close is not set") if knobs.think_open else ("think_close", "think_open is not set")
    if knobs.num_gpu == 0:
        yield from _all(("main_gpu", "tensor_split"), "num_gpu is 0")


def _off_all_the_same(knobs: Knobs) -> Iterator[tuple[str, str]]:
    """Yield knobs whose value differs from the default but means off too."""
    if knobs.adaptive_target < 0:
        yield "adaptive_target", "below 0 is off"
    if knobs.top_n_sigma <= 0:
        yield "top_n_sigma", "0 and below is off"
