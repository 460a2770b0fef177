"""Chat screen and dialogs."""
