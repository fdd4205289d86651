"""Rewrite what nbval holds chapters to: `python -m lib.accept [CHAPTER...]`."""

import sys

from lib.run.accept import main

if __name__ == "__main__":
    sys.exit(main())
