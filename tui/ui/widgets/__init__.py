"""Widgets of the chat screen. Each posts messages about what the user did, and none knows an engine."""
