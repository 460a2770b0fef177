"""Controllers: each connects one part of the session to the widgets that show it."""
