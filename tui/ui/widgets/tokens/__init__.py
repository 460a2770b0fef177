"""Widgets that show tokens."""
