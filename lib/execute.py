"""Run one chapter: `python -m lib.execute CHAPTER --profile quick -p name value`."""

import sys

from lib.run.execute import execute as execute
from lib.run.execute import main

if __name__ == "__main__":
    sys.exit(main())
