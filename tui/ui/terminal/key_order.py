"""The keys that work now, in the order that somebody would name them."""

from collections.abc import Sequence

from textual.binding import ActiveBinding, Binding
from textual.screen import Screen


def in_order(screen: Screen[object]) -> Sequence[ActiveBinding]:
    """Those of what has the focus, then the screen's as it declares them, then the app's.

    Textual has them by key: what a screen takes by priority stands in the place of what it takes the key from.
    """
    declared = [each.id for each in screen.BINDINGS if isinstance(each, Binding)]

    def rank(active: ActiveBinding) -> tuple[int, int]:
        if active.node is screen:
            known = active.binding.id in declared
            return 1, declared.index(active.binding.id) if known else len(declared)
        return (2, 0) if active.node is screen.app else (0, 0)

    return sorted(screen.active_bindings.values(), key=rank)
