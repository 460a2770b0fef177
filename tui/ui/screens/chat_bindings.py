"""The keys of the chat that work wherever the cursor is."""

from textual.binding import Binding, BindingType

from tui.ui.controllers.comparison import KEYS

CHAT_BINDINGS: list[BindingType] = [
    Binding("f1", "obey('/help')", "Help", tooltip="These keys and commands", id="chat.help"),
    Binding(
        "f2",
        "obey('/preset')",
        "Presets",
        tooltip="Switch the preset; the conversation stays",
        id="chat.presets",
    ),
    *KEYS,
    Binding(
        "ctrl+t",
        "look",
        "Tokens",
        tooltip="The reply token by token: how sure the model was of each",
        id="chat.tokens",
    ),
    Binding("f4", "toggle_knobs", "Knobs", tooltip="Show or hide the knobs", id="chat.knobs"),
    Binding(
        "f5",
        "obey('/tree')",
        "Tree",
        show=False,
        tooltip="Every version of every message; go to one",
        id="chat.tree",
    ),
    Binding(
        "f12",
        "obey('/engine')",
        "Engine",
        show=False,
        tooltip="The engine's log, and another start",
        id="chat.engine",
    ),
    Binding("escape", "stop", "Stop", tooltip="Stop the reply", id="chat.stop"),
    Binding("escape", "stop(False)", "Prompt", tooltip="Back to the prompt", id="chat.prompt"),
    Binding("ctrl+c", "interrupt", "Copy, stop or clear", show=False, id="chat.interrupt"),
    Binding("ctrl+r", "obey('/again')", "Again", tooltip="Another answer to the last question", id="chat.again"),
    Binding(
        "ctrl+o",
        "obey('/history')",
        "History",
        tooltip="Go on with a conversation that was kept",
        id="chat.history",
    ),
    Binding("ctrl+n", "obey('/clear')", "New chat", tooltip="A new chat with the same settings", id="chat.new"),
]
