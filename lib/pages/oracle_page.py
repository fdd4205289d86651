"""What both pages on dietterich2021representation read, and the lines and columns of their tables.

A line is a network in words, with its method and what makes it a variant of that. A column is a
score or another number, with the cells of its row.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from lib.pages import oracle
from lib.pages.oracle_tables import (
    Cells,
    Setting,
    Source,
    Sources,
    by_network,
    by_usual_forests,
)
from lib.pages.oracle_words import LAMBDAS
from lib.results import page_table
from lib.run import parameters
from lib.scores import LOGIT_TABLE

FULL = ("CIFAR-10", "CIFAR-100", "Fashion-MNIST", "MNIST")
HYBRIDS = [f"hybrid {weight:g}" for weight in LAMBDAS]
LINES = {name: oracle.method_of(name) for name in (*oracle.METHODS, *HYBRIDS)}
SCORE: dict[str, Cells] = {name: {"score": name} for name in LOGIT_TABLE}
ACCURACY: dict[str, Cells] = {"test accuracy": {"metric": "test accuracy"}}
FORESTS: dict[str, Cells] = {"forest": {"score": oracle.FOREST}}
PROBES: dict[str, Cells] = {"linear probe": {"score": oracle.PROBE}}
SHORT = ACCURACY | {name: SCORE[name] for name in ("max logit", "entropy")} | FORESTS | PROBES
EVERY = "AUC / equal error rate"

_KEYS = {"width": "width", "learning_rate": "lr", "schedule": "schedule", "epochs": "epochs"}


def changed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What a run of the chapter sets otherwise than its profile, by variant key.

    Other images than the profile's have a budget of epochs of their own.
    """
    found = parameters.changed("oracle", settings, _KEYS)
    own = parameters.own_values("oracle", settings["profile"])
    if settings["dataset"] != own["dataset"]:
        found.pop("epochs", None)
    return found


def main_title(title: str) -> str:
    """The full image set whose reference stands beside a run on images of this title."""
    return title if title in FULL else "CIFAR-10"


def sources(
    reference: pd.DataFrame, rows: pd.DataFrame, title: str, setting: Setting
) -> dict[str, Source]:
    """The committed rows and a run's, each as the source of a page's numbers.

    The run's forests of any size come under the names of the reference's.
    """
    return {
        "reference": Source(reference, main_title(title), {}),
        "this build": Source(by_usual_forests(rows), title, setting),
    }


def network_table(
    of: Sources,
    columns: Mapping[str, Cells],
    networks: Mapping[str, tuple[str, Setting]],
    caption: str,
    *,
    first: bool = False,
) -> Styler:
    """One line per source and network, one column per score, as `by_network` finds them."""
    return page_table(by_network(of, columns, networks, first=first), caption)
