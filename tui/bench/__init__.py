"""The benchmark: figures with targets, measured against llama.cpp's own ways on the same machine in the same minute."""
