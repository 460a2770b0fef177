"""Which sampler stages do anything with a set of knobs."""

from tui.knobs.table import KNOBS, Knobs


def is_active(stage: str, knobs: Knobs) -> bool:
    """Whether a stage does anything with these knobs."""
    match stage:
        case "logit_bias":
            return bool(knobs.logit_bias)
        case "penalties":
            return knobs.repeat_last_n != 0 and (
                knobs.repeat_penalty != 1 or knobs.presence_penalty != 0 or knobs.frequency_penalty != 0
            )
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
