"""Prompt line: slash commands, completion, history and attachments."""
