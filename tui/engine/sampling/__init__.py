"""Sampling: the stage chain, its distribution, traces and search strategies."""
