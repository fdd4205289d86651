"""The tables of the page on spigler2019denoising, read off result rows."""

import math
from collections.abc import Collection, Sequence

import pandas as pd

from lib.metrics import student_interval
from lib.pages import dae
from lib.results.select import pick
from lib.results.sources import (
    BUILD,
    Cells,
    Sources,
    as_columns,
    chosen,
    mean_of,
)
from lib.results.tables import interval_text
from lib.results.variants import parse_variant, variant

CLUTTER = {"table": "clutter", "metric": "mean norm of the error"}


def theory_means(toy_rows: pd.DataFrame) -> pd.DataFrame:
    """Agreement with the density of the plane, means over seeds, a line per network and noise."""
    kept = toy_rows[toy_rows["table"] == "theory"]
    kept = kept.assign(noise=[parse_variant(text)["noise"] for text in kept["variant"]])
    return kept.pivot_table(
        index=["method", "noise"], columns=["score", "metric"], values="value", sort=False
    )


def ring_shares(toy_rows: pd.DataFrame) -> pd.DataFrame:
    """Shares of the plane with 0.5 or more, means over seeds, a line per function of the plane."""
    kept = toy_rows[toy_rows["table"] == "rings"]
    wide = kept.pivot_table(index="score", columns="metric", values="value", sort=False)
    return wide.rename_axis(index=None, columns=None)


def fooling_lines(
    of: Sources, score: str, thresholds: Sequence[float], methods: Sequence[str]
) -> dict[tuple[str, ...], dict[str, str]]:
    """A line per set, network and threshold of the document's tables, for `three_columns`."""
    return {
        (title, name, f"{100 * level:g} %"): {
            "dataset": title,
            "method": name,
            **as_columns(dae.cells(score, level)),
        }
        for title in dict.fromkeys([*of.reference, of.full])
        for name in methods
        for level in thresholds
    }


def clutter_lines(of: Sources) -> dict[tuple[str, ...], dict[str, str]]:
    """A line per set and kind of error of dAE sym, for `three_columns`."""
    measured = dict.fromkeys(of.build.loc[of.build["table"] == "clutter", "score"])
    return {
        (title, score): {"dataset": title, "method": dae.SYM, "score": score, **CLUTTER}
        for title in dict.fromkeys([*of.reference, of.full])
        for score in measured
    }


def variant_table(of: Sources, cells: Cells, *, decimals: int) -> pd.DataFrame:
    """A number of all methods and variants, a column per place; other alphas have a table apart."""
    wanted, found = as_columns(cells), {}
    for where in of.places:
        source = of.rows(where)
        kept = source[(source[list(wanted)] == pd.Series(wanted)).all(axis=1)]
        kept = kept[~kept["variant"].str.contains("arm=alpha|arm=printed")]
        for (method, setting), part in kept.groupby(["method", "variant"], sort=False):
            interval = student_interval(part["value"])
            found[method, setting, where] = interval_text(interval, decimals=decimals)
    table = pd.Series(found, dtype=str).unstack(fill_value="", sort=False)
    table = table.rename_axis(index=["network", "variant"])
    return table[[where for where in of.places if where in table]]


def rates_over_steps(
    of: Sources, where: str, method: str, threshold: float, *, steps: Sequence[int]
) -> pd.DataFrame:
    """The rate of the document's attack after each number of steps and at its limit.

    The index has the steps that rows hold, the columns mean, min, max and size, over seeds; empty
    where the network was not attacked.
    """
    cells = dae.cells(dae.RATE, threshold) | {"method": method}
    limit = mean_of(of, where, dae.cells(dae.LIMIT, threshold) | {"method": method})
    if math.isnan(limit):
        return pd.DataFrame(columns=list(SPREAD))
    at_step = cells | {"table": dae.STEPS}
    parts = {step: chosen(of, where, at_step, setting={"limit": step}) for step in steps}
    parts[int(limit)] = chosen(of, where, cells)
    rows = pd.concat([parts[step].assign(step=step) for step in sorted(parts)])
    return _spread(rows, "step")


def numbers_by_count(of: Sources, where: str, metrics: Collection[str]) -> dict[str, pd.DataFrame]:
    """Open-set numbers of each method over the number of known classes, the index.

    Columns mean, min, max and size, over orders of the classes; of rows with one of the `metrics`.
    """
    rows = open_rows(of, where, {})
    kept = rows[rows["metric"].isin(list(metrics))].groupby("method", sort=False)
    return {str(name): _spread(part, "count") for name, part in kept}


def arms_table(of: Sources, thresholds: Collection[float]) -> pd.DataFrame:
    """Alpha, accuracy and fooling rate of dAE sym by place and arm, first seed; the rule's on top.

    Three digits each; empty where an arm has no such number.
    """
    numbers = {"alpha": {"table": "alpha", "metric": "alpha"}}
    for word, score in (("accuracy", dae.ACCURACY), ("fooled", dae.RATE)):
        numbers |= {f"{word} {dae.word_of(t)}": dae.cells(score, t) for t in thresholds}
    found = {}
    for where in of.places:
        source = of.rows(where)
        kept = source[(source["table"] == "alpha") & (source["method"] == dae.SYM)]
        settings = [parse_variant(text) for text in kept["variant"]]
        arms = [setting["arm"] for setting in settings if "arm" in setting]
        for arm in [None, *dict.fromkeys(arms)]:
            setting = {"arm": arm} if arm else None
            parts = {
                word: chosen(of, where, {**cells, "method": dae.SYM}, setting=setting)
                for word, cells in numbers.items()
            }
            found[where, arm or "alpha by the rule"] = {
                word: "".join(f"{v:.3g}" for v in part["value"][:1]) for word, part in parts.items()
            }
    return pd.DataFrame.from_dict(found, orient="index").rename_axis(["set", "arm"])


SPREAD = ("mean", "min", "max", "size")


def _spread(rows: pd.DataFrame, by: str) -> pd.DataFrame:
    values = rows.groupby(by)["value"]
    return pd.DataFrame({word: getattr(values, word)() for word in SPREAD})


def open_rows(of: Sources, where: str, cells: Cells) -> pd.DataFrame:
    """Open-set rows with a column count, of known classes; their seed is the order of classes."""
    kept = chosen(of, where, {**cells, "table": dae.OPEN_SET})
    return kept.assign(count=[int(cell.partition("=")[2]) for cell in kept["class"]])


def known_counts(of: Sources, where: str) -> list[int]:
    """Numbers of known classes, of those that leave some unknown, with the most orders."""
    orders = open_rows(of, where, {"method": dae.CNN, "metric": "AUROC"}).groupby("count").size()
    return sorted(orders.index[orders == orders.max()])


def open_set_table(of: Sources) -> pd.DataFrame:
    """AUROC of unknown classes: a line per method, a column per place and number of known classes.

    Means over orders of the classes, of the numbers in `known_counts`; methods with the best mean
    over the places told first.
    """
    parts = {}
    for where in of.places:
        rows = open_rows(of, where, {"metric": "AUROC"})
        kept = rows[rows["count"].isin(known_counts(of, where))]
        parts[where] = kept.pivot_table(index="method", columns="count", values="value")
    table = pd.concat(parts, axis=1, names=["", "classes known"])
    means = pd.concat([parts[where] for where in of.told], axis=1).mean(axis=1)
    best_first = means.sort_values(ascending=False).index
    return table.loc[best_first].rename_axis(index=None)


def one_class_table(of: Sources) -> pd.DataFrame:
    """AUROC with one known class: lines by place and class, the mean last; methods as columns."""

    def by_class(where: str) -> pd.DataFrame:
        kept = chosen(of, where, {"table": dae.ONE_CLASS, "metric": "AUROC"})
        kept = kept[kept["class"] != "average"]
        wide = kept.pivot_table(
            index="class", columns=["method", "score"], values="value", sort=False
        )
        return pd.concat([wide, wide.mean().to_frame("mean").T])

    parts = {where: by_class(where) for where in of.places}
    return pd.concat(parts, names=["set", "known class"])


def checked_numbers(
    of: Sources, toy_rows: pd.DataFrame, *, threshold: float, noise: float, known: int
) -> dict[str, float]:
    """The trained numbers of this build that smoke runs check, by their words; those there are.

    The plane's is read at `noise`, the open set's at `known` classes.
    """
    cnn, sym = {"method": dae.CNN}, {"method": dae.SYM}
    ranked = {"table": dae.OPEN_SET, "score": "rejection score", "metric": "AUROC"}
    slope = {"table": "theory", "method": "denoising autoencoder", "score": "smoothed density"}
    at, classes = dae.word_of(threshold), {"class_": dae.classes_of(known)}
    found = {
        "accuracy of the CNN": mean_of(of, BUILD, dae.cells(dae.ACCURACY, 0.0) | cnn),
        "accuracy of dAE sym": mean_of(of, BUILD, dae.cells(dae.ACCURACY, 0.0) | sym),
        f"accuracy of dAE sym, {at}": mean_of(of, BUILD, dae.cells(dae.ACCURACY, threshold) | sym),
        f"steps to fool the CNN, {at}": mean_of(
            of, BUILD, dae.cells(dae.MEAN_STEPS, threshold) | cnn
        ),
        "R² of the slope in the plane": float(
            pick(toy_rows, **slope, metric="R²", variant=variant(noise=noise)).mean()
        ),
        f"open set, AUROC of dAE sym, {known} classes": mean_of(of, BUILD, ranked | classes | sym),
    }
    return {name: value for name, value in found.items() if not math.isnan(value)}
