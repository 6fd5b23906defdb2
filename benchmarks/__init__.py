"""ZoomStack measured: against the truth, against the published method, against its own limits."""
