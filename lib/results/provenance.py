"""Moved to lib.numbers."""

from lib.numbers.runs import read_runs as read_runs
from lib.numbers.runs import run_parameters as run_parameters
from lib.numbers.runs import runs_frame as runs_frame
