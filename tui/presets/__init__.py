"""Presets: Modelfiles with a model, a system prompt and knob values."""
