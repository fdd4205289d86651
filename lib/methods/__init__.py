"""Other methods of anomaly detection, each fitted to normal images and asked in the same way.

To add one: a file with its `fit_…`, and a line in `table.py`. Nothing else of lib imports this.
"""

from lib.methods.gradcon import train_gradcon
from lib.methods.lsa import BATCH as LSA_BATCH
from lib.methods.ocsvm import CHOSEN
from lib.methods.sizes import Sizes, published_sizes
from lib.methods.table import (
    METHODS,
    NOT_RERUN,
    Method,
    NotRerun,
    Protocol,
    method,
    published_protocol,
)
from lib.methods.task import Labelled, Scorer, Task, a_tenth
from lib.methods.timing import milliseconds, untrained_gpnd, untrained_gradcon

__all__ = [
    "CHOSEN",
    "LSA_BATCH",
    "METHODS",
    "NOT_RERUN",
    "Labelled",
    "Method",
    "NotRerun",
    "Protocol",
    "Scorer",
    "Sizes",
    "Task",
    "a_tenth",
    "method",
    "milliseconds",
    "published_protocol",
    "published_sizes",
    "train_gradcon",
    "untrained_gpnd",
    "untrained_gradcon",
]
