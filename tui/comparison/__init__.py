"""Comparing replies: where they diverge, which words differ, votes."""
