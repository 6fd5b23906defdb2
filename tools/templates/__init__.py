"""The templates that the pack brings, written in Python: `tools/make_workflows.py` makes the files of them."""
