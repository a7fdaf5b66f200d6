"""One command, ratios against a baseline of the same run: see `python -m bench --help`."""
