"""Whether our numbers of single classes rise and fall with those that kwon2020gradcon prints.

A mean over ten classes can agree by chance. Ten classes hardly can, so another kind of score than
the document's shows here.
"""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from lib.metrics import Interval, pearson_interval
from lib.pages import gradcon_words as told
from lib.pages.gradcon import BASELINE, COMPARED, GRADCON, NETWORKS, OTHER_ERROR
from lib.pages.gradcon_reference import average

FEWEST = 4  # classes, for an interval
# recon of VAE and CAE by the squared error that they were trained on, and by cross-entropy
ERRORS = tuple(f"{m} recon{error}" for m in ("VAE", "CAE") for error in ("", ", cross-entropy"))
ENTROPY = "VAE recon, pixel entropy"
NOT_YET = "Reconstructions have no reference rows by cross-entropy yet."
PRINTED = [*((method, BASELINE) for method in NETWORKS), ("GradCon", COMPARED)]


class Followed(NamedTuple):
    """How a line of ours follows the printed one: Pearson's r over the classes, and both means."""

    r: Interval
    published: float
    ours: float

    @property
    def told(self) -> str:
        """r with its interval."""
        return correlation(self.r)


def beside_printed(rows: pd.DataFrame, document: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """AUROC by class as printed and as ours, in our own setting, means over seeds.

    Columns line, class, published and ours. A line is a method and score ("VAE recon"); a network's
    printed recon also stands beside ours by cross-entropy ("VAE recon, cross-entropy"), and that of
    the VAE beside the entropy of the images themselves ("VAE recon, pixel entropy"). Lines with
    fewer than FEWEST classes are left out.
    """
    ours = by_class(rows[rows["variant"] == ""], dataset)
    found = []
    for (table, method, score), printed in by_class(document, dataset).items():
        if (method, table) not in PRINTED:
            continue
        name = method if score == GRADCON else f"{method} {score}"
        places = {name: (table, method, score)}
        if score == "recon":
            places[f"{name}, cross-entropy"] = (OTHER_ERROR, method, "cross-entropy")
        if name == "VAE recon":
            places[ENTROPY] = (OTHER_ERROR, "pixel entropy", "")
        for line, place in places.items():
            own = ours.get(place, pd.Series(dtype=float))
            both = printed.to_frame("published").assign(ours=own).dropna()
            if len(both) >= FEWEST:
                found.append(both.reset_index().assign(line=line))
    columns = ["line", "class", "published", "ours"]
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)


def followed(table: pd.DataFrame) -> dict[str, Followed]:
    """Of each line of `beside_printed`, how it follows the printed numbers.

    A line whose numbers are all alike has no correlation and is left out.
    """
    return {
        str(line): Followed(
            pearson_interval(part["published"], part["ours"]),
            float(part["published"].mean()),
            float(part["ours"].mean()),
        )
        for line, part in table.groupby("line", sort=False)
        if part["published"].nunique() > 1 and part["ours"].nunique() > 1
    }


def followed_words(found: Mapping[str, Followed]) -> str:
    """Which printed lines our lines of the same score follow, by the sign of r's interval."""
    own = sorted((line for line in found if "," not in line), key=lambda line: -found[line].r.mean)
    if not own:
        return "There are no reference runs to hold against single classes yet."
    groups = {
        "above zero": [line for line in own if found[line].r.low > 0],
        "below zero": [line for line in own if found[line].r.high < 0],
    }
    groups["of open sign"] = [n for n in own if not any(n in g for g in groups.values())]
    told_groups = "; ".join(
        f"{words} for {', '.join(f'{line} ({found[line].r.mean:.2f})' for line in lines)}"
        for words, lines in groups.items()
        if lines
    )
    return f"Pearson's r over the classes is, with its 95 % interval, {told_groups}."


def error_found(found: Mapping[str, Followed]) -> str:
    """What `error_words` comes to, in one sentence."""
    if not set(ERRORS) <= set(found):
        return NOT_YET
    squared, crossed, *_ = (found[line] for line in ERRORS)
    text = (
        "Class by class, the reconstruction scores that the slides print for the VAE have a "
        f"correlation of {crossed.r.mean:.2f} with the cross-entropy of our VAE's reconstructions "
        f"and of {squared.r.mean:.2f} with their squared error"
    )
    if not _apart(found):
        return f"{text}."
    return (
        f"{text}: what they read as a sacrifice from the latent constraint compares two kinds of "
        "error."
    )


def error_words(found: Mapping[str, Followed]) -> str:
    """Which error of our networks goes with the printed recon of the VAE, class by class.

    That it is the cross-entropy is said only where its interval lies above that of the squared
    error.
    """
    if not set(ERRORS) <= set(found):
        return NOT_YET
    squared, crossed, plain, plain_crossed = (found[line] for line in ERRORS)
    text = (
        f"Class by class, the VAE's printed recon has a correlation of {squared.r.mean:.2f} with "
        f"the squared error of our VAE and of {crossed.r.mean:.2f} with the cross-entropy of the "
        f"same reconstructions; the CAE's has {plain.r.mean:.2f} with the squared error and "
        f"{plain_crossed.r.mean:.2f} with the cross-entropy."
    )
    if not _apart(found):
        return text
    return (
        f"{text} So the slides' VAE was in all likelihood scored by cross-entropy and their CAE by "
        "the squared error, and the gap that they read as the price of the latent constraint "
        f"compares two kinds of error. By the squared error ours have {plain.ours:.3f} (CAE) and "
        f"{squared.ours:.3f} (VAE), by cross-entropy {plain_crossed.ours:.3f} and "
        f"{crossed.ours:.3f}."
    )


def entropy_words(found: Mapping[str, Followed]) -> str:
    """How far the grey values of an image alone, without a network, go with the printed recon."""
    if ENTROPY not in found:
        return ""
    return (
        "Even a perfect reconstruction keeps the entropy of the pixels as its cross-entropy, and "
        f"that alone, without any network, has a correlation of {found[ENTROPY].r.mean:.2f} with "
        "the VAE's printed recon."
    )


def error_table(rows: pd.DataFrame, found: Mapping[str, Followed], dataset: str) -> pd.DataFrame:
    """Both reconstruction errors of each network: mean AUROC, ± over seeds, and r, as text.

    `rows` with their averages, `found` of `followed`. Columns network, printed (the document's
    recon), squared error, its r, cross-entropy, its r; the pixels' own entropy is the last line.
    """
    places = [
        *(("squared error", method, "recon", f"{method} recon") for method in NETWORKS),
        *(("cross-entropy", m, "cross-entropy", f"{m} recon, cross-entropy") for m in NETWORKS),
        ("cross-entropy", "pixel entropy", "", ENTROPY),
    ]
    lines: dict[str, dict[str, str]] = {}
    for column, method, score, name in places:
        if len(values := average(rows, dataset, method, score)):
            line = lines.setdefault(method, {"network": method})
            line[column] = told.mean(values)
            if name in found:
                line[f"r, {column}"] = found[name].told
                if name != ENTROPY:
                    line["printed"] = f"{found[name].published:.3f}"
    errors = [f"{r}{error}" for error in ("squared error", "cross-entropy") for r in ("", "r, ")]
    columns = ["network", "printed", *errors]
    filled = [[line.get(column, "") for column in columns] for line in lines.values()]
    return pd.DataFrame(filled, columns=columns)


def correlation(r: Interval) -> str:
    """`0.97 [0.88, 0.99]`."""
    return f"{r.mean:.2f} [{r.low:.2f}, {r.high:.2f}]"


def by_class(table: pd.DataFrame, dataset: str) -> dict[tuple[str, str, str], pd.Series]:
    """AUROC by class, means over seeds, of each table, method and score."""
    kept = table[(table["dataset"] == dataset) & (table["metric"] == "AUROC")]
    kept = kept[kept["class"] != "average"]
    return {
        (str(key[0]), str(key[1]), str(key[2])): part.groupby("class", sort=False)["value"].mean()
        for key, part in kept.groupby(["table", "method", "score"], sort=False)
    }


def _apart(found: Mapping[str, Followed]) -> bool:
    """Whether the VAE's cross-entropy follows the printed recon better, by intervals apart."""
    squared, crossed, *_ = (found[line].r for line in ERRORS)
    return crossed.low > squared.high
