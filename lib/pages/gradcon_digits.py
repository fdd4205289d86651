"""MNIST digit by digit, at the official learning rate and at a tenth of it."""

from collections.abc import Mapping

import pandas as pd
from scipy.stats import fisher_exact

from lib.pages import gradcon_words as told
from lib.pages.gradcon import COMPARED, GRADCON, NETWORKS, Setting, single_classes
from lib.pages.gradcon_reference import SLOW, average, explained_variance

PLACES = (
    *(("CAE", "recon"), ("CAE+Grad", "recon"), ("CAE+Grad", "grad"), ("GradCon", GRADCON)),
    *(("VAE", "recon"), ("VAE+Grad", "recon"), ("VAE+Grad", "grad")),
)
RATES: Mapping[str, Setting] = {"official": {}, "slower": SLOW}
DIGITS = [str(digit) for digit in range(10)]


def digits_table(reference: pd.DataFrame, document: pd.DataFrame) -> pd.DataFrame:
    """AUROC with every digit as normal class, in words: as the slides print it, and at both rates.

    Ours are means over seeds. The last lines count the networks, over all seeds, that draw
    validation images worse than the mean image would. The columns are line, rate, mean and the
    digits; lines without all ten digits are left out, and it is empty without the slower rate.
    """
    ours, printed = (rows[rows["dataset"] == "MNIST"] for rows in (reference, document))
    found = []
    for method, score in PLACES:
        name = method if score == GRADCON else f"{method} {score}"
        own = printed[(printed["method"] == method) & (printed["score"] == score)]
        found.append((name, "slides", own[own["table"] == COMPARED]))
        for words, setting in RATES.items():
            found.append((name, words, single_classes(ours, method, score, setting)))
    lines = [
        {"line": name, "rate": words, **{digit: f"{means[digit]:.3f}" for digit in DIGITS}}
        | {"mean": f"{means.mean():.3f}"}
        for name, words, rows in found
        for means in [rows[rows["class"].isin(DIGITS)].groupby("class")["value"].mean()]
        if len(means) == len(DIGITS)
    ]
    for method in NETWORKS:
        lines += [
            {"line": f"{method} poor", "rate": words} | counts
            for words, setting in RATES.items()
            if (counts := _poor(ours, method, setting))
        ]
    slower = [line for line in lines if line["rate"] == "slower"]
    return pd.DataFrame(lines if slower else [], columns=["line", "rate", "mean", *DIGITS])


def living_words(reference: pd.DataFrame, document: pd.DataFrame) -> str:
    """GradCon on MNIST over those networks alone that draw better than the mean image would.

    Validation images, all normal, decide which these are. By digit, means over the living networks
    of all seeds at the official rate, beside what is published for the same digits.
    """
    ours = reference[reference["dataset"] == "MNIST"]
    drawn = explained_variance(ours, {})
    drawn = drawn[drawn["method"] == "CAE+Grad"]
    alive = drawn[drawn["value"] > 0].set_index(["class", "seed"]).index
    scored = single_classes(ours, "GradCon", GRADCON).set_index(["class", "seed"])["value"]
    kept = scored[scored.index.isin(alive)]
    means = kept.groupby("class").mean()
    places = {"dataset": "MNIST", "method": "GradCon", "table": COMPARED}
    own = document[(document[list(places)] == pd.Series(places)).all(axis=1)]
    printed = own.set_index("class")["value"].reindex(means.index).dropna()
    if not len(scored) or not len(drawn):
        return "There are no reference runs of GradCon on MNIST yet."
    if not len(printed):
        return f"None of the {len(drawn)} constrained networks draws better than the mean image."
    means = means[printed.index]
    return (
        f"Over the {len(kept)} of {len(drawn)} constrained networks that draw better than the mean "
        f"image, on {len(means)} of ten digits, GradCon has {means.mean():.3f}; the slides print "
        f"{printed.mean():.3f} for these digits (mean absolute difference by digit "
        f"{(means - printed).abs().mean():.3f})."
    )


def variational_words(reference: pd.DataFrame, *, short: bool = False) -> str:
    """Recon of the VAE on MNIST with and without the constraint, and how many networks are dead.

    Dead are those that draw worse than the mean image. `short` tells of the VAE without constraint
    alone, and is empty without rows of both on all ten digits.
    """
    drawn = explained_variance(reference[reference["dataset"] == "MNIST"], {})
    dead = {str(method): part < 0 for method, part in drawn.groupby("method")["value"]}
    recon = {m: average(reference, "MNIST", m, "recon") for m in ("VAE", "VAE+Grad")}
    if not all(method in dead and len(values) for method, values in recon.items()):
        return "" if short else "There are no reference runs of the VAE on MNIST yet."
    counts = {method: f"{part.sum()} of {len(part)}" for method, part in dead.items()}
    text = (
        f"Of the plain VAE's networks on MNIST {counts['VAE']} draw worse than the mean "
        f"image, and its recon has {told.mean(recon['VAE'])} ({told.seeds(recon['VAE'])})"
    )
    if short:
        return f"{text}."
    text += f"; under the constraint {counts['VAE+Grad']} do, and it has "
    text += f"{told.mean(recon['VAE+Grad'])}."
    tests = {
        plain: fisher_exact([[int(part.sum()), int((~part).sum())] for part in pair]).pvalue
        for plain in ("CAE", "VAE")
        for pair in [[dead[m] for m in (plain, f"{plain}+Grad") if m in dead]]
        if len(pair) == 2
    }
    told_tests = ", ".join(f"{plain} p = {value:.2f}" for plain, value in tests.items())
    return f"{text} Whether the constraint changes how many, by Fisher's exact test: {told_tests}."


def _poor(rows: pd.DataFrame, method: str, setting: Setting) -> dict[str, str]:
    """How many networks of each digit explain less than nothing; empty unless all ten are there."""
    kept = explained_variance(rows[rows["method"] == method], setting)
    bad = kept.assign(bad=kept["value"] < 0).groupby("class")["bad"].agg(["sum", "count"])
    if len(bad) < len(DIGITS):
        return {}
    cells = {str(digit): f"{line['sum']}/{line['count']}" for digit, line in bad.iterrows()}
    return cells | {"mean": f"{bad['sum'].sum()}/{bad['count'].sum()}"}
