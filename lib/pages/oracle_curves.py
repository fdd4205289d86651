"""What the oracle page's figures draw, read off several result rows at once.

Each function takes a `Source` of `lib.pages.oracle_tables`; tables without rows are empty.
"""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from lib.metrics import Interval, student_interval
from lib.pages import oracle
from lib.pages.oracle_tables import Source, Sources, step_cells, values
from lib.results.tables import LABELS
from lib.results.variants import parse_variant, variant

PUBLISHED, _, THIS_BUILD = LABELS


def step_bars(
    sources: Sources, document: pd.DataFrame, titles: Iterable[str]
) -> dict[str, dict[str, list[Interval]]]:
    """The three AUCs of Q1 and Q2, by image set and by whose numbers they are.

    `document` are the talk's rows, without interval: the limits are the values. Whoever lacks one
    of the three is left out, and so is a set of which the document alone tells, unless it is the
    reference's.
    """
    main, here = (source.dataset for source in sources.values())
    panels: dict[str, dict[str, list[Interval]]] = {}
    for title in dict.fromkeys(titles):
        told = document[(document["table"] == oracle.Q1_Q2) & (document["dataset"] == title)]
        bars = {PUBLISHED: [Interval(v, v, v, 1) for v in told["value"]]} if len(told) else {}
        for word, source in sources.items():
            if word == THIS_BUILD and title != here:
                continue
            same: dict[str, Any] = {"table": oracle.Q1_Q2, "metric": oracle.AUC, "dataset": title}
            found = [values(source, **same, **step) for step in step_cells().values()]
            if all(len(part) for part in found):
                bars[word] = [student_interval(part) for part in found]
        if bars and (set(bars) != {PUBLISHED} or title == main):
            panels[title] = bars
    return panels


def curve(source: Source, key: str, **cells: str) -> pd.DataFrame:
    """A number along one setting: columns `key` (as text), mean, min and max over splits.

    AUC unless `cells` name another metric. Rows whose variant holds anything else, beside the
    source's own setting, are left out.
    """
    kept = _rows(source, **({"metric": oracle.AUC} | cells))
    own = parse_variant(variant(**source.setting))
    lines = []
    for text, group in kept.groupby("variant", sort=False):
        told = parse_variant(str(text))
        if key in told and {name: v for name, v in told.items() if name != key} == own:
            lines.append({key: told[key], **group["value"].agg(["mean", "min", "max"])})
    return pd.DataFrame(lines, columns=[key, "mean", "min", "max"])


def left_out_pairs(source: Source) -> pd.DataFrame:
    """AUC on each anomaly class, columns seen and unseen: with and without it among the labelled.

    Indexed by class and seed.
    """
    kept = _rows(source, table="left-out", metric=oracle.AUC)
    told = pd.DataFrame(
        [parse_variant(text) for text in kept["variant"]], columns=["left_out", "arm"]
    )
    told = told.assign(seed=kept["seed"].to_numpy(), value=kept["value"].to_numpy())
    return told.pivot_table(index=["left_out", "seed"], columns="arm", values="value")


def far_means(sources: Sources) -> pd.DataFrame:
    """Mean AUC of max logit and forest on each far set and on the anomaly classes.

    A line per images, a column per score and source, `forest, this build`; columns without any
    number are left out.
    """
    found = {}
    for word, source in sources.items():
        for name, step in zip(("max logit", "forest"), step_cells().values(), strict=False):
            far = curve(source, "far", table="far", **step)
            at = dict(zip(far["far"], far["mean"], strict=True))
            same: dict[str, Any] = {"table": oracle.Q1_Q2, "metric": oracle.AUC}
            at["anomaly classes"] = values(source, **same, **step).mean()
            found[f"{name}, {word}"] = at
    return pd.DataFrame(found).dropna(axis=1, how="all")


def told_by(sources: Sources, **cells: str) -> str:
    """Whose rows with these cells a figure draws: the first source's that has any, or the last."""
    there = [word for word, source in sources.items() if len(_rows(source, **cells))]
    return there[0] if there else list(sources)[-1]


def odin_grid(source: Source, method: str) -> pd.DataFrame:
    """AUC of ODIN by perturbation (lines) and temperature (columns)."""
    kept = _rows(source, table="odin", method=method, score="ODIN", metric=oracle.AUC)
    told = pd.DataFrame(
        [parse_variant(text) for text in kept["variant"]], columns=["epsilon", "temperature"]
    )
    found = told.astype(float).assign(AUC=kept["value"].to_numpy())
    return found.pivot_table(index="epsilon", columns="temperature", values="AUC")


def along_training(source: Source) -> pd.DataFrame:
    """What was read after some epochs of the first base network, a column each, by epoch.

    Columns are named by the score whose AUC they hold, or by their metric where there is none.
    """
    kept = _of_first(_rows(source, table="over-training"))
    kept = kept[kept["metric"] != oracle.EER]
    told = [int(parse_variant(text)["epochs_shown"]) for text in kept["variant"]]
    kept = kept.assign(epoch=told, what=kept["score"].where(kept["score"] != "", kept["metric"]))
    return kept.pivot_table(index="epoch", columns="what", values="value")


def finished_networks(source: Source) -> pd.DataFrame:
    """Test accuracy and max-logit AUC of the first split's networks: method, variant and both.

    Columns accuracy and auc; networks that have one of them alone are left out.
    """
    kept = _of_first(_rows(source, table="networks"))
    accuracy = kept[kept["metric"] == "test accuracy"].rename(columns={"value": "accuracy"})
    auc = kept[(kept["metric"] == oracle.AUC) & (kept["score"] == "max logit")]
    auc = auc.rename(columns={"value": "auc"})
    named = ["method", "variant"]
    return accuracy[[*named, "accuracy"]].merge(auc[[*named, "auc"]], on=named)


def _rows(source: Source, **cells: str) -> pd.DataFrame:
    """The source's rows of its images with these cells, whatever their variant."""
    wanted = {"dataset": source.dataset, **cells}
    kept: pd.DataFrame = source.rows[(source.rows[list(wanted)] == pd.Series(wanted)).all(axis=1)]
    return kept


def _of_first(rows: pd.DataFrame) -> pd.DataFrame:
    kept: pd.DataFrame = rows[rows["seed"] == rows["seed"].min()]
    return kept
