"""Sentences on the committed runs of kwon2020gradcon, beside what the document prints.

Each says over how many seeds or networks its numbers are, and something plain where there are no
rows yet. `reference` are the committed rows with their averages, `document` the published ones.
"""

from typing import NamedTuple

import pandas as pd

from lib.pages import gradcon_words as told
from lib.pages.gradcon import (
    BASELINE,
    COMPARED,
    GRADCON,
    NETWORKS,
    Setting,
    epochs_of,
    single_classes,
)
from lib.results.select import pick
from lib.results.variants import variant

SLOW: Setting = {"lr": 0.0001}  # the control for MNIST


class Printed(NamedTuple):
    """GradCon's AUROC on CIFAR-10 as others print it: value by class, and means over all ten."""

    slides: pd.Series
    others: pd.Series
    slides_mean: float
    other_means: list[float]

    def others_words(self) -> str:
        """The means of the third-party runs."""
        return " and ".join(f"{value:.4g}" for value in self.other_means)

    def beside(self, moved: pd.DataFrame) -> pd.DataFrame:
        """`gradcon.moves` with what either printed for each line's classes; NaN for other sets."""
        columns = {"published": self.slides, "third party": self.others}
        return moved.assign(
            **{
                name: [values[values.index.isin(names)].mean() for names in moved["classes"]]
                for name, values in columns.items()
            }
        )


def printed(published: pd.DataFrame) -> Printed:
    """What the slides and the third-party runs of the official code have for GradCon on CIFAR-10.

    `published` are the published rows of all documents; of several third-party runs of a class
    comes the mean.
    """
    kept = published[published["dataset"] == "CIFAR-10"]
    own = kept[(kept["source"] == "gradcon-slides") & (kept["table"] == COMPARED)]
    slides = own[own["method"] == "GradCon"].set_index("class")["value"]
    others = kept[kept["table"].str.contains("rerun of official code")]
    means = others.groupby("class")["value"].mean()
    return Printed(
        slides.drop("average"),
        means.drop("average"),
        float(slides["average"]),
        others.loc[others["class"] == "average", "value"].tolist(),
    )


def average(
    table: pd.DataFrame, title: str, method: str, score: str, *, setting: Setting | None = None
) -> pd.Series:
    """The means over all classes of one method and score on one set, one value per seed.

    `table` holds result rows, or published ones, which have no variant.
    """
    keys = {"dataset": title, "class": "average", "method": method, "score": score}
    keys["metric"] = "AUROC"
    if "variant" in table:
        keys["variant"] = variant(**(setting or {}))
    return table[(table[list(keys)] == pd.Series(keys)).all(axis=1)]["value"]


def beside_document(
    reference: pd.DataFrame, document: pd.DataFrame, title: str, method: str, score: str
) -> str:
    """Our mean, and what the document prints where it prints something."""
    ours = told.mean(average(reference, title, method, score))
    theirs = average(document, title, method, score)
    return f"{ours} (published {theirs.iloc[0]:.3f})" if len(theirs) else ours


def trained(
    reference: pd.DataFrame, runs: pd.DataFrame, title: str, *, setting: Setting | None = None
) -> str:
    """The epochs of the reference runs on one set, in words."""
    return told.epochs(epochs_of(reference, runs, title, setting=setting))


def budget(reference: pd.DataFrame, runs: pd.DataFrame, title: str) -> str:
    """Epochs of the reference runs on one set, and how many seeds each network has."""
    seeds = ", ".join(
        f"{method} {len(found)}"
        for method in NETWORKS
        if len(found := average(reference, title, method, "recon"))
    )
    if not seeds:
        return "There are no reference runs with all ten classes yet."
    epochs = trained(reference, runs, title)
    return f"Reference runs: {epochs}; seeds with all ten classes: {seeds}."


def explained_variance(rows: pd.DataFrame, *settings: Setting) -> pd.DataFrame:
    """The rows of the variance of validation images that networks of single classes explain."""
    share = rows[(rows["class"] != "average") & (rows["metric"] == "explained variance")]
    return share[share["variant"].isin([variant(**setting) for setting in settings])]


def worse_than_mean(rows: pd.DataFrame, *settings: Setting) -> str:
    """How many networks of each kind draw worse than the mean image would, in these settings."""
    share = explained_variance(rows, *settings)
    counts = share.assign(bad=share["value"] < 0).groupby("method")["bad"].agg(["sum", "count"])
    return ", ".join(
        f"{line['sum']} of {line['count']} ({method})" for method, line in counts.iterrows()
    )


def dead(reference: pd.DataFrame) -> str:
    """How many networks of our runs on MNIST draw black, or not better than that."""
    counts = worse_than_mean(reference[reference["dataset"] == "MNIST"], {})
    if not counts:
        return "There are no reference runs on MNIST yet."
    return (
        "In our reference runs on MNIST, at the official learning rate, networks that draw "
        f"validation images worse than the mean image would, as one that draws black does: "
        f"{counts}."
    )


def slow(reference: pd.DataFrame, runs: pd.DataFrame) -> str:
    """How many networks draw poorly in the control on MNIST with a tenth of the learning rate."""
    if not len(average(reference, "MNIST", "GradCon", GRADCON, setting=SLOW)):
        return "On all ten digits of MNIST it has not been run yet (sweep gradcon-mnist-slow)."
    drawn = worse_than_mean(reference[reference["dataset"] == "MNIST"], SLOW)
    return (
        f"At 0.0001, after {trained(reference, runs, 'MNIST', setting=SLOW)} (at the official rate "
        f"after {trained(reference, runs, 'MNIST')}), networks that draw worse than the mean image "
        f"would: {drawn}."
    )


def sacrifice(reference: pd.DataFrame, document: pd.DataFrame, title: str) -> str:
    """Recon of CAE and VAE, both on the squared error, over the seeds that have both."""
    single = reference[(reference["dataset"] == title) & (reference["class"] == "average")]
    pair = [
        pick(single, table=BASELINE, method=method, score="recon", metric="AUROC")
        for method in ("CAE", "VAE")
    ]
    both = pair[0].index.intersection(pair[1].index)
    if not len(both):
        return f"No reference runs of the VAE on all classes of {title} yet."
    ours = " against ".join(told.mean(found[both]) for found in pair)
    theirs = " against ".join(
        f"{average(document, title, method, 'recon').iloc[0]:.3f}" for method in ("CAE", "VAE")
    )
    return (
        f"Recon of CAE against VAE, {title}: {ours} ({told.seeds(both)}, ten classes); published "
        f"{theirs}."
    )


def gap(reference: pd.DataFrame, others: Printed) -> str:
    """GradCon's mean on CIFAR-10 beside the published one and the third-party runs."""
    found = average(reference, "CIFAR-10", "GradCon", GRADCON)
    if not len(found):
        return "There is no reference mean over all ten classes yet."
    parts = [
        f"{abs(found.mean() - value):.3f} {'above' if found.mean() > value else 'below'} {name}"
        for name, value in (
            ("the published mean", others.slides_mean),
            ("the mean of the two", sum(others.other_means) / len(others.other_means)),
        )
    ]
    own = single_classes(reference[reference["dataset"] == "CIFAR-10"], "GradCon", GRADCON)
    above = others.slides.sub(own.groupby("class")["value"].mean()).dropna()
    most = ", ".join(f"{name} {gap:+.3f}" for name, gap in above.nlargest(3).items())
    return (
        f"Ours is {told.mean(found)} ({told.seeds(found)}): {' and '.join(parts)}. By class the "
        f"published numbers less ours are largest for {most}."
    )


def on_cifar(
    reference: pd.DataFrame,
    document: pd.DataFrame,
    runs: pd.DataFrame,
    *,
    others: Printed,
    verdict: str,
) -> str:
    """The slides' experiment in our reference runs; `verdict` is that on the gradient's gain."""
    if not len(average(reference, "CIFAR-10", "GradCon", GRADCON)):
        return "No reference runs on all classes of CIFAR-10 yet."
    grad, recon, both, untrained = (
        beside_document(reference, document, "CIFAR-10", *where)
        for where in (
            ("CAE+Grad", "grad"),
            ("CAE", "recon"),
            ("GradCon", GRADCON),
            ("untrained CAE", "grad"),
        )
    )
    return (
        f"On CIFAR-10 ({trained(reference, runs, 'CIFAR-10')} of the document's "
        f"{told.DOCUMENT_EPOCHS}) the gradient score of the constrained network has a mean AUROC "
        f"of {grad}, the reconstruction error of the plain autoencoder {recon} (claim: the "
        f"gradient detects better: {verdict}). GradCon, both combined, has {both}; two runs of the "
        f"official code by others gave {others.others_words()}. The gradient score of the network "
        f"before any training has {untrained}."
    )


def on_mnist(reference: pd.DataFrame, document: pd.DataFrame, runs: pd.DataFrame) -> str:
    """GradCon on digits in our reference runs, and how many networks that rests on."""
    if not len(average(reference, "MNIST", "GradCon", GRADCON)):
        return "No reference runs on all digits of MNIST yet."
    found = beside_document(reference, document, "MNIST", "GradCon", GRADCON)
    return f"On MNIST ({trained(reference, runs, 'MNIST')}) GradCon has {found}. {dead(reference)}"
