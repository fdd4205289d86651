"""The plain mean over all classes of a data set, as the documents' last column has it."""

import math
from collections.abc import Mapping

import pandas as pd

from lib.errors import BadInput
from lib.numbers.rows import COLUMNS, IDENTITY, describe, frame

CLASSES = {"MNIST": 10, "MNIST-5k": 10, "Fashion-MNIST": 10, "CIFAR-10": 10, "CIFAR-100": 100}
GROUP = [column for column in IDENTITY if column != "class"]


def with_averages(rows: pd.DataFrame, class_counts: Mapping[str, int] = CLASSES) -> pd.DataFrame:
    """The rows and, for each group with every class of its data set, a row of class "average".

    A group shares all of IDENTITY but the class. The value is the plain mean, n the sum, the run
    "merged" if the classes came from several runs. Rows whose class is empty, an average or a
    setting such as "outliers=10%" are left alone, and an average already there is kept. Raises
    BadInput if a group has more classes than its data set.
    """
    checked = frame(rows)
    single = ~checked["class"].isin(["", "average"]) & ~checked["class"].str.contains("=")
    averages = checked[checked["class"] == "average"]
    done = set(averages[GROUP].itertuples(index=False, name=None))
    groups: dict[tuple[object, ...], list[tuple[str, float, int]]] = {}
    part = checked[single]
    keys = zip(*(part[column].tolist() for column in GROUP), strict=True)
    entries = zip(*(part[column].tolist() for column in ("run", "value", "n")), strict=True)
    for key, entry in zip(keys, entries, strict=True):
        groups.setdefault(key, []).append(entry)
    made = []
    for key, found in groups.items():
        cells = dict(zip(GROUP, key, strict=True))
        wanted = class_counts.get(str(cells["dataset"]))
        if wanted is not None and len(found) > wanted:
            raise BadInput(
                f"{cells['dataset']} has {wanted} classes, but {len(found)} came: "
                f"{describe(cells)}."
            )
        if len(found) != wanted or key in done:
            continue
        runs, values, counts = zip(*found, strict=True)
        made.append(
            {
                **cells,
                "run": runs[0] if len(set(runs)) == 1 else "merged",
                "class": "average",
                "value": math.fsum(values) / len(values),  # the order of rows is free
                "n": int(sum(counts)),
            }
        )
    return (
        frame(pd.concat([checked, pd.DataFrame(made, columns=list(COLUMNS))])) if made else checked
    )
