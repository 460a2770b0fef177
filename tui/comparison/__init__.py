"""Comparison of replies: divergence, word diff, votes, picture content."""
