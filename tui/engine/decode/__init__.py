"""Decoding: the scheduler, the prefix tree and the KV cache."""
