"""The representation oracle: what a classifier's z knows of anomalies, and what scores bring out.

Source: dietterich2021representation; methods.md 4.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lib import data, numbers
from lib.experiments.oracle_rows import BASE as BASE
from lib.experiments.oracle_rows import CLASS as CLASS
from lib.experiments.oracle_rows import DETECTOR as DETECTOR
from lib.experiments.oracle_rows import FOREST as FOREST
from lib.experiments.oracle_rows import METHODS as METHODS
from lib.experiments.oracle_rows import PIXELS as PIXELS
from lib.experiments.oracle_rows import REPRESENTATION as REPRESENTATION
from lib.experiments.oracle_rows import SMALL_FOREST as SMALL_FOREST
from lib.experiments.oracle_rows import STEPS, Sheet, Values
from lib.experiments.oracle_rows import UNTRAINED as UNTRAINED
from lib.experiments.oracle_rows import method_of as method_of
from lib.experiments.oracle_study import Settings as Settings
from lib.experiments.oracle_study import Study, networks, prepare
from lib.run import workspace

FULL_SETS = ("CIFAR-10", "CIFAR-100", "Fashion-MNIST")  # of the reference
SMALL = "few-labels|left-out|over-training"  # tables of SMALL_FOREST; the others are of FOREST


@dataclass(frozen=True, eq=False)
class Measured:
    """The rows of one run, and what a page shows of its first split.

    `base` are z, logits and classes of the base network, `forests` the oracle detector's scores of
    the test images by network, `seconds` the time of all trainings, earlier parts of them included.
    """

    rows: pd.DataFrame
    study: Study
    base: data.Sides
    forests: Mapping[str, Values]
    seconds: float

    @property
    def images(self) -> data.ImageSet:
        return self.study.images

    @property
    def stands_for(self) -> str:
        """The reference's image set that this build is shown beside."""
        return self.images.title if self.images.title in FULL_SETS else "CIFAR-10"


def measure(
    settings: Settings, device: str = "cpu", *, progress: Callable[[str], None] = print
) -> Measured:
    """Train the networks, score the test images, and count everything that the talk speaks of.

    A row's seed is its split + 100 · its seed. With a work folder a killed run goes on from its
    checkpoints. Raises BadInput before any training for settings that do not fit the images, and as
    `data.load` does.
    """
    study = prepare(settings, device)
    run = workspace.run_name("oracle", settings.model_dump())
    sheet = Sheet(study, networks(study, progress), run)
    for step in STEPS:
        step(sheet)
    trainings = [each.trained.history for each in sheet.networks.values() if each.trained]
    first = study.first
    return Measured(
        rows=numbers.frame(sheet.rows),
        study=study,
        base=sheet.sides["base", first],
        forests={name: values for (name, pair), values in sheet.forests.items() if pair == first},
        seconds=sum(epoch["seconds"] for history in trainings for epoch in history),
    )


def page_rows(rows: pd.DataFrame, changed: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """The rows of a run under the reference's names: its numbers of trees, its own settings.

    `changed` is what sets the run apart from its profile (`Settings.changed`).
    """
    trees = rows["table"].str.match(SMALL).map({True: "200 trees", False: "1000 trees"})
    pairs = zip(trees, rows["score"], strict=True)
    settings = map(numbers.parse_variant, rows["variant"])
    own = [{k: v for k, v in each.items() if k not in (changed or {})} for each in settings]
    return rows.assign(
        score=[re.sub(r"\d+ trees", usual, score) for usual, score in pairs],
        variant=[numbers.variant(**each) for each in own],
    )
