"""Which picture lies where in which other: pictures of one scene at different scales, made one zoom."""
