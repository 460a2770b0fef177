"""Knobs: the table of them, their values, and settings made of them."""
