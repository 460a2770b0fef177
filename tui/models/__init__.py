"""GGUF files: sources, headers, memory."""
