"""Presets: Modelfiles that people can read, diff and share."""
