"""Widgets of the knob panel."""
