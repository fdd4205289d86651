"""Sentences on kwon2020gradcon's numbers, put together from the tables of `lib.pages.gradcon`.

Each says whose numbers it holds (`name`, "CIFAR-10, reference") and over how many networks or
seeds. None holds a verdict: they stay true whatever the numbers are.
"""

from collections.abc import Mapping, Sequence, Sized

import pandas as pd

from lib.metrics import student_interval
from lib.pages import gradcon
from lib.results.tables import interval_text

DOCUMENT_EPOCHS = 1000
UNTRIED = {
    "alpha": "the weight of the constraint",
    "reference": "the reference gradient",
    "selection": "the rule for the kept epoch",
    "epochs": "training on to 150 epochs",
    "test": "all test images in place of the draw",
    "seed": "another seed",
    "lr": "another learning rate",
    "loss": "another loss",
}


def mean(values: pd.Series, decimals: int = 3) -> str:
    """Mean and half the 95 % interval over seeds, `0.606 ± 0.024`; the mean alone of one."""
    return interval_text(student_interval(values), decimals=decimals)


def size(value: float) -> str:
    """Three digits of a number of any size, in full: `15,100`, `0.0312`."""
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if abs(rounded) >= 100 else f"{rounded:g}"


def seeds(values: Sized) -> str:
    """How many seeds these are: `3 seeds`."""
    return f"{len(values)} seed{'s' if len(values) > 1 else ''}"


def epochs(found: Mapping[int, Sequence[int]]) -> str:
    """What `gradcon.epochs_of` found: `60 epochs`; of several `20 epochs with seeds 1 and 2, …`.

    Without any rows `no epochs`.
    """
    if len(found) == 1:
        return f"{next(iter(found))} epochs"
    parts = [
        f"{count} epochs with seed{'s' if len(seeds) > 1 else ''} {' and '.join(map(str, seeds))}"
        for count, seeds in found.items()
    ]
    return ", ".join(parts) or "no epochs"


def layers(name: str, found: pd.DataFrame) -> str:
    """The means of the four layers (`gradcon.layers`), and which is best for which class."""
    by_seed = found.groupby(["layer", "seed"])["value"].mean()
    means = ", ".join(f"layer {i} {mean(by_seed[i])}" for i in sorted(set(found["layer"])))
    table = found.groupby(["class", "layer"], sort=False)["value"].mean().unstack("layer")
    best = table.idxmax(axis=1)
    groups = "; ".join(f"{layer} for {', '.join(part.index)}" for layer, part in best.groupby(best))
    return f"{name} ({seeds(set(found['seed']))}): mean AUROC {means}. Best layer: {groups}."


def direction(name: str, angle: pd.Series, length: pd.Series) -> str:
    """Mean AUROC by seed of a gradient's angle and of its length, each a score of its own."""
    return (
        f"{name} ({seeds(angle)}): the angle (grad) has a mean AUROC of {mean(angle)}, the "
        f"length {mean(length)}."
    )


def kernel(name: str, by_class: pd.DataFrame, by_seed: pd.DataFrame) -> str:
    """Both readings of the Fisher kernel (`gradcon.kernel_means`, `kernel_ratios`)."""
    absolute, signed = by_class.loc[gradcon.ABSOLUTE], by_class.loc[gradcon.SIGNED]
    ratio = by_seed.loc[gradcon.ABSOLUTE]["ratio"]
    low, high = absolute["ratio"].min(), absolute["ratio"].max()
    sides = [by_seed.loc[gradcon.SIGNED][kind].mean() for kind in ("abnormal", "normal")]
    return (
        f"{name} ({len(absolute)} classes, {seeds(ratio)}): by absolute value the mean kernel of "
        f"abnormal images is {mean(ratio, 2)} times that of normal ones (ratio of the means over "
        f"classes; single classes {low:.2f} to {high:.2f}, 2 or more in "
        f"{int((absolute['ratio'] >= 2).sum())}). The signed means are {size(sides[0])} (abnormal) "
        f"and {size(sides[1])} (normal), and the abnormal one is the larger in "
        f"{int((signed['abnormal'] > signed['normal']).sum())} of the {len(signed)} classes."
    )


def losses(table: pd.DataFrame) -> str:
    """Recon of CAE and VAE trained on either loss (`gradcon.losses`)."""
    if not {("CAE", "recon"), ("VAE", "recon")} <= set(table.index):
        return "Networks trained on cross-entropy have no reference rows yet."
    told = [
        f"{words} {table[column]['CAE', 'recon']:.3f} (CAE) and "
        f"{table[column]['VAE', 'recon']:.3f} (VAE)"
        for words, column in (("the squared error", "squared"), ("cross-entropy", "bce"))
    ]
    names = ", ".join(table.attrs["classes"])
    return f"On the classes {names} alone, recon after training on {'; on '.join(told)}."


def moves(table: pd.DataFrame, source: str) -> str:
    """The largest moves of `gradcon.moves`, and which lines reach what others report.

    `table` has the columns published and "third party" besides, NaN where there is no number.
    """
    if table.empty:
        return "There are no rows with another setting yet."
    gains = table["value"] - table["base"]
    best, worst = table.iloc[int(gains.argmax())], table.iloc[int(gains.argmin())]
    told = (
        f"Of {len(table)} changes ({source}) the one that raises the mean most is "
        f"{best['what']} ({gains.max():+.3f}, n = {best['n']}), the one that lowers it most "
        f"{worst['what']} ({gains.min():+.3f}, n = {worst['n']})."
    )
    printed = table.dropna(subset="published")
    if printed.empty:
        return told
    above = {
        column: printed.loc[printed["value"] >= printed[column], "what"]
        for column in ("published", "third party")
    }
    first, second = above.values()
    names = f" ({'; '.join(first)})" if len(first) else ""
    return (
        f"{told} The published mean of their own classes is reached by {len(first)} of "
        f"{len(printed)}{names}, the third-party mean by {len(second)}. A change that does not "
        "reach a number does not explain it alone."
    )


def untried(table: pd.DataFrame) -> str:
    """Which settings `gradcon.moves` has no line for, and what no line could say."""
    lacking = [words for key, words in UNTRIED.items() if key not in set(table["key"])]
    first = f"Not tried yet: {', '.join(lacking)}. " if lacking else ""
    return (
        f"{first}None of this can speak for the document's {DOCUMENT_EPOCHS} epochs, for its seeds "
        "and draws, which are not public, or for two changes at once."
    )
