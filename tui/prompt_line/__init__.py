"""The prompt line: slash commands, completion, history and attachments."""
