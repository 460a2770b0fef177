"""Settings of stored sides, restored."""

from msgspec.structs import replace

from tui.knobs.setting import parse_setting
from tui.presets.library import ResolvedSetting, resolve
from tui.presets.preset import with_parts
from tui.store.records import SideRow


def restore_setting(row: SideRow) -> ResolvedSetting:
    """Return a stored side's preset and knobs, with its own system prompt and model; raises TwiddleError."""
    chosen = resolve(parse_setting(row.setting))
    preset = chosen.preset
    if row.system not in (None, preset.system):
        preset = with_parts(preset, system=row.system)
    if row.model not in ("", preset.model):
        preset = with_parts(preset, model=row.model)
    return replace(chosen, preset=preset)
