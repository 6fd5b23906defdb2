"""From a stack to the frames of a video, and into files."""
