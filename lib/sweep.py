"""Merge or publish the rows of a finished sweep: `python -m lib.sweep publish NAME`."""

import sys

from lib.run.sweep import main

if __name__ == "__main__":
    sys.exit(main())
