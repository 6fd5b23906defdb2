"""Between the two: how the levels' estimates are made to agree."""
