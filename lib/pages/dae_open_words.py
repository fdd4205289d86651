"""Sentences on spigler2019denoising's open-set numbers: some classes known, or a single one.

Each says whose numbers it holds. None holds a verdict: they stay true whatever the numbers are.
"""

import pandas as pd

from lib.pages import dae
from lib.pages.dae_tables import known_counts, open_rows
from lib.results.sources import Sources, chosen, over_sets

# how the AUROCs of one known class name the two that are set side by side
CONFIDENCE, SVM = (dae.SYM, "confidence"), ("one-class SVM", "pixels")


def open_line(of: Sources) -> str:
    """Mean AUROC of unknown classes with a middle number known: the document's, and the best."""

    def ranks(where: str) -> str:
        if not (counts := known_counts(of, where)):
            return ""
        middle = counts[len(counts) // 2]
        rows = open_rows(of, where, {"class_": dae.classes_of(middle), "metric": "AUROC"})
        means = rows.groupby("method")["value"].mean().sort_values(ascending=False)
        main = means[[name for name in dae.MAIN if name in means]]
        listed = ", ".join(f"{name} {value:.3f}" for name, value in main.items())
        best = f"best of all {means.index[0]} {means.iloc[0]:.3f}"
        return f"with {middle} classes known: {listed}; {best}"

    told = over_sets(of, ranks)
    return f"AUROC of unknown classes ({of.words}, mean over orders of the classes): {told}."


def open_threshold(of: Sources, threshold: float) -> str:
    """By how much dAE sym's accuracy with reject differs from that of refusing all, at most."""
    cells = {"score": "accuracy with reject", "metric": f"accuracy {dae.word_of(threshold)}"}

    def apart(where: str) -> str:
        sym, refusing = (
            open_rows(of, where, cells | {"method": name}).set_index(["count", "seed"])["value"]
            for name in (dae.SYM, "refuse all")
        )
        return f"{(sym - refusing).abs().max():.3f}" if len(sym) else ""

    return (
        f"The accuracy with reject of dAE sym {dae.word_of(threshold)} differs from that of "
        f"refusing every image by at most {over_sets(of, apart, after=True)}."
    )


def one_line(of: Sources, aurocs: pd.DataFrame) -> str:
    """dAE sym's mean AUROC in `dae_tables.one_class_table` against the one-class SVM's."""

    def against(where: str) -> str:
        means = aurocs.T[where, "mean"]
        if not {CONFIDENCE, SVM} <= set(means.dropna().index):
            return ""
        return f"{means[CONFIDENCE]:.3f} against {means[SVM]:.3f}"

    return (
        f"With one class known ({of.words}, one seed), mean AUROC of {dae.SYM} "
        f"against that of a one-class SVM on pixels: {over_sets(of, against, after=True)}."
    )


def dead_line(of: Sources, aurocs: pd.DataFrame) -> str:
    """How many autoencoders of one class have collapsed, and what dAE sym's others reach.

    Collapsed: a drawn pixel's standard deviation over images is below COLLAPSED.
    """

    def spreads(where: str) -> pd.DataFrame:
        kept = chosen(of, where, {"table": dae.ONE_CLASS, "metric": dae.SPREAD})
        return kept[kept["class"] != "average"]

    def dead(where: str) -> str:
        kept = spreads(where)
        gone = kept[kept["value"] < dae.COLLAPSED]
        pairs = zip(gone["method"], gone["class"], strict=True)
        named = ", ".join(f"{method} of class {class_}" for method, class_ in pairs)
        return f"for {len(gone)} of {len(kept)}" + (f" ({named})" if named else "")

    def alive(where: str) -> str:
        kept = spreads(where)
        kept = kept[kept["method"] == dae.SYM]
        living = kept.loc[kept["value"] >= dae.COLLAPSED, "class"]
        if not 0 < len(living) < len(kept):
            return ""
        by_class = aurocs.T[where][list(living)].T
        sym, svm = (by_class[columns].mean() for columns in (CONFIDENCE, SVM))
        return f"{sym:.3f} against {svm:.3f}"

    others = (
        " Over the other classes dAE sym's mean AUROC is, against that of the one-class SVM, "
        f"{over_sets(of, alive)}."
    )
    return (
        "An autoencoder of one class can collapse: it draws one and the same picture for every "
        f"image, and ranks images by their distance to it. That is so {over_sets(of, dead)}."
    ) + (others if any(alive(where) for where in of.told) else "")
