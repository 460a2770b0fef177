"""The benchmark: what the engine costs over llama.cpp itself, in ratios measured side by side."""
