"""Put the rows of a finished sweep into results/reference: `python -m lib.sweep publish NAME`."""

import sys

from lib.run.sweep import main

if __name__ == "__main__":
    sys.exit(main())
