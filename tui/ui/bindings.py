"""Key bindings, one a line."""

from textual.binding import Binding


def bind(
    key: str,
    action: str,
    description: str,
    *,
    id: str,
    tooltip: str = "",
    show: bool = False,
    priority: bool = False,
    key_display: str | None = None,
) -> Binding:
    """Return a binding that the footer shows only where asked, unlike Textual's own default.

    `key` may list several with commas, `id` is its name in docs/keys.md and in the table [keys] of config.toml, and
    `tooltip` is what docs/keys.md and F1 say where the description is too short.
    """
    return Binding(key, action, description, show, key_display, priority, tooltip, id=id)
