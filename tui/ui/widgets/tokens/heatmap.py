"""Colours of tokens by their level: one hue that grows, so that nobody has to tell hues apart."""

from rich.color import Color
from rich.color_triplet import ColorTriplet
from rich.style import Style
from textual.widget import Widget

from tui.conversation.token_measures import LEVELS

_BLACK, _WHITE = ColorTriplet(0, 0, 0), ColorTriplet(255, 255, 255)
_STYLES = "given cut sign person mark cursor label"


class Heatmap(Widget):
    """Widget with a style per token level. The rarer levels are underlined and bold as well."""

    COMPONENT_CLASSES = {f"token--{name}" for name in (*range(LEVELS), *_STYLES.split())}

    _colours: dict[tuple[str, ...], Style]

    def notify_style_update(self) -> None:
        """Look the colours up again: the theme may have changed."""
        super().notify_style_update()
        self._colours = {}

    def colour_of(self, *names: str) -> Style:
        """Return the style of some names together, such as `3` and `given`."""
        if not hasattr(self, "_colours"):
            self._colours = {}
        style = self._colours.get(names)
        if style is None:
            classes = [f"token--{name}" for name in names]
            style = self._colours[names] = _readable(self.get_visual_style(*classes).rich_style)
        return style


def _readable(style: Style) -> Style:
    """Replace white by black in a style, or black by white, if that has more contrast.

    `auto` goes by brightness, which is not quite contrast (WCAG 2, relative luminance).
    """
    text, back = (colour.triplet if colour else None for colour in (style.color, style.bgcolor))
    if back is None or text not in (_BLACK, _WHITE):
        return style
    light = _luminance(back)
    better = _BLACK if (light + 0.05) ** 2 > 0.05 * 1.05 else _WHITE
    return style + Style(color=Color.from_triplet(better))


def _luminance(colour: ColorTriplet) -> float:
    parts = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))
