"""A side set as it was left: its preset and knobs, and what was put in place of its system prompt and model."""

from msgspec.structs import replace

from tui.knobs.setting import parse_setting
from tui.presets.library import ResolvedSetting, resolve
from tui.presets.preset import reworded
from tui.store.records import SideRow


def as_left(seat: SideRow) -> ResolvedSetting:
    """What a side was set to; raises TwiddleError where its preset is no longer there."""
    chosen = resolve(parse_setting(seat.setting))
    preset = chosen.preset
    if seat.system not in (None, preset.system):
        preset = reworded(preset, system=seat.system)
    if seat.model not in ("", preset.model):
        preset = reworded(preset, model=seat.model)
    return replace(chosen, preset=preset)
