"""What several nodes have in common: wire types, inputs and their checks, progress, saved files."""
