"""One thing a file: each shows one thing, announces one thing, and knows nothing of engines."""
