"""The paper's ablations and baselines on the embedded demo model."""
