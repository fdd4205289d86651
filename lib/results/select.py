"""Moved to lib.numbers."""

from lib.numbers.rows import collector as collector
from lib.numbers.rows import pick as pick
