"""Where GGUF files come from."""
