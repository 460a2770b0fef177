"""Conversations as values: messages, reply records, traces and thoughts."""
