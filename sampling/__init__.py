"""The joint sampler on the host. The only place that touches host internals."""
