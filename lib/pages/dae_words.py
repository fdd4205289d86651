"""Sentences on spigler2019denoising's confidence: the theory behind it, and what it costs.

Each says whose numbers it holds. None holds a verdict: they stay true whatever the numbers are.
"""

import math
from collections.abc import Iterable, Mapping

import pandas as pd

from lib.pages import dae
from lib.pages.dae_tables import CLUTTER
from lib.results.select import pick
from lib.results.sources import BUILD, Sources, mean_of, mean_words, over_sets, place_words
from lib.results.variants import parse_variant, variant

ALPHA = {"table": "alpha", "method": dae.SYM, "metric": "alpha"}
PIXELS = 28 * 28


def printed(of: Sources, where: str, method: str, score: str, threshold: float) -> str:
    """The document's number for a place (for BUILD that of the full set), or `not printed`."""
    title = of.full if where == BUILD else where
    value = dae.printed_value(of.published, title, method, score, threshold)
    return "not printed" if value is None else f"{value:.3f}"


def slopes(toy_rows: pd.DataFrame, noise: float) -> str:
    """How the denoising autoencoder's move agrees with the density's slope, at one noise."""
    found = toy_rows[toy_rows["variant"] == variant(noise=noise)]
    found = found[found["method"] == "denoising autoencoder"]
    by = found.groupby(["score", "metric"])["value"].mean()
    return (
        f"at noise {noise:g} the slope of (r(x) - x)/σ² on the score of the smoothed density is "
        f"{by['smoothed density', 'slope']:.2f} (cosine {by['smoothed density', 'cosine']:.2f}), "
        f"on that of the clean density {by['clean density', 'slope']:.2f} "
        f"(cosine {by['clean density', 'cosine']:.2f})"
    )


def theory(
    toy_rows: pd.DataFrame, source: str, *, setting: Mapping[str, str | float] | None = None
) -> str:
    """The plane in one sentence: slopes at the strongest noise, and what is left off the rings.

    `setting` is what the variant of the rings' rows holds.
    """
    settings = [parse_variant(text) for text in toy_rows["variant"].unique()]
    strongest = max(float(given.get("noise", 0)) for given in settings)
    cells = {"table": "rings", "metric": "share of the off-ring plane at 0.5"}
    cells |= {"variant": variant(**(setting or {}))}
    plain, scaled, curved = (
        f"{100 * pick(toy_rows, score=score, **cells).mean():.0f} %"
        for score in ("classifier", "scaled output without Γ", "scaled output")
    )
    return (
        f"In the plane, where the truth is known ({source}), {slopes(toy_rows, strongest)}. Off "
        f"the rings the classifier gives 0.5 or more to {plain} of the plane, scaled by the "
        f"confidence to {scaled} without Γ and {curved} with it."
    )


def usual_confidence(of: Sources, where: str) -> float:
    """The confidence dAE sym has in an image with the mean error of clean test images."""
    weight = mean_of(of, where, ALPHA)
    error = mean_of(of, where, CLUTTER | {"method": dae.SYM, "score": "clean, whole"})
    return math.exp(-weight * error / PIXELS)


def _usual(of: Sources, places: list[str] | None = None) -> str:
    return over_sets(of, lambda where: f"{usual_confidence(of, where):.2f}", places, after=True)


def alpha_line(of: Sources, *, fixed: float = 0.0) -> str:
    """The alpha that the rule gives, or the one that was `fixed`, and the usual confidence."""
    rule = over_sets(of, lambda where: mean_words(of, where, ALPHA, decimals=1), after=True)
    in_build = f" (in this build {mean_of(of, BUILD, ALPHA):.1f})" if of.reference else ""
    given = (
        f"In this build alpha is set to {fixed:g}. "
        if fixed
        else f"For dAE sym the rule gives {rule}{in_build}. "
    )
    return given + f"A test image of mean error then has a confidence of {_usual(of)}."


def accuracy_line(of: Sources, threshold: float) -> str:
    """Accuracy at a threshold of the document's networks."""
    cells = dae.cells(dae.ACCURACY, threshold)

    def accuracies(name: str) -> str:
        return over_sets(of, lambda where: mean_words(of, where, cells | {"method": name}))

    by_network = "; ".join(f"{name} {accuracies(name)}" for name in dae.MAIN)
    return f"Right {dae.word_of(threshold)} ({of.words}): {by_network}."


def accuracy(of: Sources, threshold: float) -> str:
    """What the confidence of dAE sym costs: accuracy without a threshold and with this one.

    Where it leaves less than 1 % also why.
    """

    def accuracies(where: str) -> str:
        parts = []
        for level, word in ((0.0, "without threshold"), (threshold, dae.word_of(threshold))):
            cells = dae.cells(dae.ACCURACY, level) | {"method": dae.SYM}
            if text := mean_words(of, where, cells):
                told = printed(of, where, dae.SYM, dae.ACCURACY, level)
                parts.append(f"{text} {word} (published {told})")
        return " and ".join(parts)

    cells = dae.cells(dae.ACCURACY, threshold) | {"method": dae.SYM}
    refused = [where for where in of.told if mean_of(of, where, cells) < 0.01]
    why = (
        f" Our rule for alpha leaves the usual test image a confidence of {_usual(of, refused)}, "
        f"so that {dae.word_of(threshold)} nearly all are refused."
    )
    costs = f"accuracy of dAE sym ({of.words}) {over_sets(of, accuracies)}."
    return f"What the confidence costs: {costs}" + (why if refused else "")


def curvature_line(of: Sources, *, probes: int) -> str:
    """gamma of test images, how often its factor is below 1, and the error of the estimate."""

    def gammas(where: str) -> str:
        cells = {"table": "curvature", "method": dae.SYM, "score": "exact"}
        mean, largest = (
            mean_of(of, where, cells | {"metric": f"{word} gamma"}) for word in ("mean", "largest")
        )
        return f"{mean:.2f} (largest {largest:.2f})"

    def below(where: str) -> str:
        rows = of.rows(where)
        by = rows[rows["metric"] == "share with Γ below 1"].groupby("score")["value"].mean()
        return f"{100 * by['estimate']:.1f} % and {100 * by['estimate, attacked images']:.1f} %"

    def trace_errors(where: str) -> str:
        rows = of.rows(where)
        kept = rows[rows["metric"] == "relative error of the trace"]
        kept = kept[(kept["method"] == dae.SYM) & kept["variant"].str.contains(f"probes={probes}$")]
        return f"{kept['value'].mean():.2f}" if len(kept) else ""

    return (
        f"Mean γ of test images for dAE sym ({of.words}): {over_sets(of, gammas)}. Γ is below 1 "
        "for these shares of test images and of what the document's attack ends with, both dAEs: "
        f"{over_sets(of, below)}. Relative error of the trace with {probes} random vectors: "
        f"{over_sets(of, trace_errors)}."
    )


def _errors(of: Sources, kinds: Mapping[str, str]) -> str:
    """dAE sym's mean errors, each kind of error by its own words."""

    def words(where: str) -> str:
        cells = CLUTTER | {"method": dae.SYM}
        texts = {
            word: mean_words(of, where, cells | {"score": score}, decimals=2)
            for word, score in kinds.items()
        }
        return ", ".join(f"{word} {text}" for word, text in texts.items())

    return over_sets(of, words)


def clutter_line(of: Sources) -> str:
    """The mean error of dAE sym with and without clutter."""
    kinds = {"clean images": "clean, whole", "in clutter": "cluttered, whole"}
    kinds |= {"in clutter but within the mask": "cluttered, within the mask"}
    return f"Mean error of dAE sym ({of.words}): {_errors(of, kinds)}."


def sum_line(of: Sources) -> str:
    """The error of two digits on one canvas, whole and as a sum over their masks."""
    kinds = {
        "whole error": "two digits, whole",
        "sum within the masks": "two digits, sum of masked errors",
        "sum with each drawn alone": "two digits, each drawn alone, sum",
    }
    return f"With two images at half size: {_errors(of, kinds)}."


def training_line(of: Sources, *, epochs: Iterable[int]) -> str:
    """Held-out accuracy at the last two of these epochs that rows hold, by network.

    Told of BUILD where no reference set has any, and of sets without what they lack.
    """
    looked_at = sorted({*epochs})

    def words(where: str) -> str:
        parts = []
        for name in dae.NETWORKS:
            cells = {"table": "training", "method": name}
            by_epoch = {
                epoch: mean_of(of, where, cells, setting={"epochs_shown": epoch})
                for epoch in looked_at
            }
            last = [pair for pair in by_epoch.items() if not math.isnan(pair[1])][-2:]
            if last:
                parts.append(f"{name} " + ", ".join(f"{v:.3f} after {e}" for e, v in last))
        return "; ".join(parts)

    told = [where for where in of.reference if words(where)] or [BUILD]
    untold = [where for where in of.reference if where not in told]
    return (
        f"Held-out accuracy by the number of epochs, mean over seeds: {over_sets(of, words, told)}."
    ) + (f" The reference {place_words(of, *untold)} kept none." if untold else "")
