"""Conversations as immutable values: messages, reply records, traces and thoughts."""
