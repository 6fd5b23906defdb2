"""Levels that did not change since a node's last run: how they are recognized, remembered, and written to a file."""
