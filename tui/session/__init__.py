"""The running session: its sides, what they ask of the engines, and undo."""
