"""Random journeys with random faults, and what must hold all the same: `twiddle soak`, for those who change twiddle."""
