"""Engine child processes, as the parent sees them."""
