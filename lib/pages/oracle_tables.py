"""Numbers of the oracle's page as texts and tables: the reference's and this build's, each named.

A number is asked for by the cells of its row. Where none are given, the table is "networks" and the
class the one that all rows have; `setting` holds what its variant says, `dataset` the title of
other images than the source's own, and `first` keeps the first split alone, beside networks that
the other splits do not have.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from lib.pages import oracle
from lib.results.select import pick
from lib.results.tables import mean_text
from lib.results.variants import variant

Setting = Mapping[str, str | int | float]
Cells = Mapping[str, Any]
NOT_MEASURED = "not measured"
# forests that are drawn as curves or compared among themselves
_SMALL = ("few-labels", "left-out", "left-out-average", "over-training", "over-training-summary")
_LIMITS = (", lower 95 % limit", ", upper 95 % limit")


class Source(NamedTuple):
    """Result rows, the title of the images that are read in them, and what variants say besides.

    `setting` is what a run changed of its profile: it stands in the variant of all its rows.
    """

    rows: pd.DataFrame
    dataset: str
    setting: Setting


def by_usual_forests(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with forests of any number of trees under the names of the reference's.

    So one question reads a build with fewer trees and the reference. Other scores stay.
    """
    named = map(_usual_forest, rows["table"], rows["score"])
    return rows.assign(score=list(named))


def _usual_forest(table: str, score: str) -> str:
    if not (found := re.fullmatch(r"random forest, \d+ trees, on (.+)", score)):
        return score
    trees = oracle.CURVE_TREES if table in _SMALL else oracle.TREES
    return oracle.forest_name(trees, found[1])


# "reference" and "this build", in this order
Sources = Mapping[str, Source]


def values(
    source: Source,
    *,
    dataset: str = "",
    setting: Setting | None = None,
    first: bool = False,
    **cells: str,
) -> pd.Series:
    """One number of a source over splits and seeds, indexed by them; empty where there is none.

    Raises BadInput as `pick` does.
    """
    text = variant(**{**source.setting, **(setting or {})})
    wanted = {"table": "networks", "class_": oracle.CLASS, "dataset": dataset or source.dataset}
    found = pick(source.rows, variant=text, **(wanted | cells))
    return found[found.index == found.index.min()] if first else found


def one(source: Source, *, decimals: int = 3, **where: Any) -> str:
    """Mean over splits with half its 95 % interval; empty where there is no such number."""
    return mean_text(values(source, **where), decimals=decimals)


def auc_and_eer(source: Source, **where: Any) -> str:
    """AUC with its interval over splits, and the mean equal error rate: `0.776 ± 0.010 / 0.29`."""
    auc = one(source, metric=oracle.AUC, **where)
    eer = values(source, metric=oracle.EER, **where)
    return f"{auc} / {eer.mean():.2f}" if auc and len(eer) else auc


def beside(sources: Sources, *, decimals: int = 3, **where: Any) -> str:
    """The reference number with this build's in brackets, `0.776 [0.700]`, or what there is.

    NOT_MEASURED where there is neither.
    """
    reference, own = (one(source, decimals=decimals, **where) for source in sources.values())
    parts = [reference, f"[{own}]" if own else ""]
    return " ".join(filter(None, parts)) or NOT_MEASURED


def listed(sources: Sources, cells_by_word: Mapping[str, Cells]) -> str:
    """`word number; word number`, each as in `beside`, of what was measured; maybe empty."""
    texts = {word: beside(sources, **cells) for word, cells in cells_by_word.items()}
    return "; ".join(f"{word} {text}" for word, text in texts.items() if text != NOT_MEASURED)


def by_network(
    sources: Sources,
    columns: Mapping[str, Cells],
    networks: Mapping[str, tuple[str, Setting]],
    *,
    first: bool = False,
) -> pd.DataFrame:
    """One line of texts per source and network, named by both; lines without any text are left out.

    A network is its method and what makes it a variant of that. A column gives further cells; it
    shows AUC and equal error rate unless it names one metric.
    """
    found = {}
    for word, source in sources.items():
        for name, (method, setting) in networks.items():
            of_line: dict[str, Any] = {"method": method, "setting": setting, "first": first}
            texts = {
                column: (one if "metric" in cells else auc_and_eer)(source, **(of_line | {**cells}))
                for column, cells in columns.items()
            }
            if any(texts.values()):
                found[word, name] = texts
    table = pd.DataFrame.from_dict(found, orient="index", columns=list(columns))
    if len(table):
        table.index = pd.MultiIndex.from_tuples(table.index)
    return table


def step_cells() -> dict[str, dict[str, Any]]:
    """The cells of the talk's three numbers, by what is measured.

    Source: dietterich2021representation, Q1 and Q2.
    """
    return {
        "max logit": {"method": oracle.BASE, "score": "max logit"},
        "oracle detector": {"method": oracle.DETECTOR, "score": oracle.FOREST},
        "oracle representation": {"method": oracle.REPRESENTATION, "score": oracle.FOREST},
    }


def step_lines(*titles: str) -> dict[str, dict[str, str]]:
    """Lines for `compared`: AUC and equal error rate of the three steps, and both gaps, by set."""
    lines = {}
    for title in dict.fromkeys(titles):
        same = {"dataset": title, "class": oracle.CLASS}
        for word, step in step_cells().items():
            for metric in (oracle.AUC, oracle.EER):
                cells = {"table": oracle.Q1_Q2, "metric": metric, **step}
                lines[f"{title}, {word}: {metric}"] = same | cells
        for method in (oracle.Q1_GAP, oracle.Q2_GAP):
            cells = {"table": oracle.GAPS, "metric": oracle.GAP_METRIC, "score": oracle.GAP_SCORE}
            lines[f"{title}, {method}"] = same | cells | {"method": method}
    return lines


def gaps_by_split(parts: Iterable[tuple[pd.DataFrame, str]]) -> pd.DataFrame:
    """Each gap with DeLong's limits, `0.085 [0.069, 0.101]`: a line per image set and split.

    `parts` are rows with the title that is read in them. A title that an earlier part has rows of
    is not read again.
    """
    found: dict[tuple[str, str], dict[str, str]] = {}
    names = [f"{oracle.GAP_METRIC}{end}" for end in ("", *_LIMITS)]
    for rows, title in parts:
        if title in {known for known, _ in found}:
            continue
        kept = rows[(rows["table"] == oracle.GAPS) & (rows["dataset"] == title)]
        for (method, number), group in kept.groupby(["method", "seed"], sort=False):
            seed = int(str(number))
            mean, low, high = group.set_index("metric")["value"][names]
            line = found.setdefault((title, f"split {seed % 100}, seed {seed // 100}"), {})
            line[str(method)] = f"{mean:.3f} [{low:.3f}, {high:.3f}]"
    table = pd.DataFrame.from_dict(found, orient="index")
    if len(table):
        table.index = pd.MultiIndex.from_tuples(table.index)
    return table
