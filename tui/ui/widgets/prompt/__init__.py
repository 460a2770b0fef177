"""Widgets of the prompt."""
