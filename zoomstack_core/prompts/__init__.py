"""The prompts of all levels, from text that people and language models write."""
