"""Where the camera is at every moment of a zoom."""
