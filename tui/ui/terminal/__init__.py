"""The terminal: driver, input, clipboard, signals and frame clock."""
