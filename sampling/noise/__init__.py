"""Above the guider: the noise level of every level, and the host's samplers that carry it."""
