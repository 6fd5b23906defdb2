"""The sound of a video, and the beats in it."""
