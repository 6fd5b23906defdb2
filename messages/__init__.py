"""What the user reads: errors, notices, progress."""
