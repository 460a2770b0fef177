"""Widgets hold still in tests."""

import os

# Read once, when textual is imported.
os.environ["TEXTUAL_ANIMATIONS"] = "none"
