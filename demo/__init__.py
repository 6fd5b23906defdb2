"""The embedded demo model: weights, the procedural data set, and the training script."""
