"""Moved to lib.numbers."""

from lib.numbers.documents import full_title as full_title
from lib.numbers.documents import reference_rows as reference_rows
from lib.numbers.documents import reference_runs as reference_runs
