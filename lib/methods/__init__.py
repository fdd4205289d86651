"""Other methods of anomaly detection, each fitted to normal images and asked in the same way.

To add one: a file with its `fit_…`, and a line in `table.py`. Beside them stand protocols that join
networks and scores. Nothing else of lib imports this.
"""

from lib.methods.cascading import cascading_maps
from lib.methods.fisher_kernel import KernelTest, kernel_test
To add one: a file with its `fit_…`, and a line in `table.py`. Nothing else of lib imports this.
Beside them the protocols of spigler2019denoising: alpha, open set, one class, clutter, the plane.
"""

from lib.methods.clutter import ClutterImages, clutter_errors
from lib.methods.confidence import alpha_curves, alpha_losing, chosen_alpha
from lib.methods.gradcon import train_gradcon
from lib.methods.lsa import BATCH as LSA_BATCH
from lib.methods.ocsvm import CHOSEN
from lib.methods.one_class import one_class_scores
from lib.methods.open_set import Opinion, baseline_opinions, network_opinion
from lib.methods.plane import (
    density_agreement,
    mixture_autoencoder,
    moved,
    ring_functions,
    ring_networks,
)
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
    "KernelTest",
    "ClutterImages",
    "Labelled",
    "Method",
    "NotRerun",
    "Opinion",
    "Protocol",
    "Scorer",
    "Sizes",
    "Task",
    "a_tenth",
    "cascading_maps",
    "kernel_test",
    "alpha_curves",
    "alpha_losing",
    "baseline_opinions",
    "chosen_alpha",
    "clutter_errors",
    "density_agreement",
    "method",
    "milliseconds",
    "mixture_autoencoder",
    "moved",
    "network_opinion",
    "one_class_scores",
    "published_protocol",
    "published_sizes",
    "ring_functions",
    "ring_networks",
    "train_gradcon",
    "untrained_gpnd",
    "untrained_gradcon",
]
