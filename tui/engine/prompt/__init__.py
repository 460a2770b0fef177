"""Prompts: chat templates rendered and tokenized."""
