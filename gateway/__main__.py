"""`python -m gateway` and the console script `tandem`."""

from __future__ import annotations

import sys

from gateway.cli import main as run


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run())


if __name__ == "__main__":
    main()
