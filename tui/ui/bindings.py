"""Key bindings: how one is made, and those of the chat, which work wherever the focus is.

A widget or dialog has the keys of its own in its BINDINGS. A key that runs a command names the command.
"""

from textual.binding import Binding, BindingType


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


_TOKENS = "The reply token by token, coloured by probability"

# fmt: off
CHAT_BINDINGS: list[BindingType] = [
    bind("f1", "run('/help')", "Help", id="chat.help", tooltip="These keys and commands", show=True),
    bind("f2", "run('/preset')", "Presets", id="chat.presets", tooltip="Switch the preset; the conversation stays",
         show=True),
    bind("f3", "run('/compare')", "Compare", id="chat.compare", tooltip="Another side with its own knobs, up to four",
         show=True),
    # By priority, since F6 and F7 are keys of TextArea.
    bind("f6", "run('/next')", "Next side", id="chat.side", tooltip="Make the next side the active one",
         show=True, priority=True),
    bind("f7", "run('/keep')", "Keep side", id="chat.keep", tooltip="Keep the active side alone and close the others",
         show=True, priority=True),
    bind("f7", "run('/vote')", "Vote", id="chat.vote", tooltip="Vote on the hidden sides, then show their settings",
         show=True, priority=True),
    bind("f8", "run('/drop')", "Drop side", id="chat.drop", tooltip="Drop the active side"),
    bind("f9", "run('/only')", "Ask one side", id="chat.only", tooltip="Ask the active side alone, or all again"),
    bind("ctrl+t", "look", "Tokens", id="chat.tokens", tooltip=_TOKENS, show=True),
    bind("f4", "toggle_knobs", "Knobs", id="chat.knobs", tooltip="Show or hide the knobs", show=True),
    bind("f5", "run('/tree')", "Tree", id="chat.tree", tooltip="Tree of all message versions"),
    bind("f12", "run('/engine')", "Engine", id="chat.engine", tooltip="The engine's log, and a restart"),
    bind("escape", "stop", "Stop", id="chat.stop", tooltip="Stop the reply", show=True),
    bind("escape", "stop(False)", "Prompt", id="chat.prompt", tooltip="Back to the prompt", show=True),
    bind("ctrl+c", "interrupt", "Copy, stop or clear", id="chat.interrupt"),
    bind("ctrl+r", "run('/again')", "Again", id="chat.again", tooltip="Generate the last reply again", show=True),
    bind("ctrl+o", "run('/history')", "History", id="chat.history", tooltip="Open a saved conversation", show=True),
    bind("ctrl+n", "run('/clear')", "New chat", id="chat.new", tooltip="A new chat with the same settings", show=True),
]
# fmt: on
