"""The joint multi-scale sampling of Generative Powers of Ten, and what we add to it."""
