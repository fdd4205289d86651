"""Sentences on the comparison of methods, put together from `lib.pages.comparison`.

Each is empty where its rows are lacking. `words` say whose numbers they are.
"""

import pandas as pd

from lib.pages import comparison as cm
from lib.results.tables import mean_text


def standing(table: pd.DataFrame, title: str, words: str) -> str:
    """Which methods are above and below GradCon in the mean over the classes that GradCon has.

    Methods with fewer classes are set beside GradCon on those.
    """
    found = cm.auroc_by_class(table, title)
    if cm.GRADCON not in found.index or len(found) < 2:
        return ""
    own = found.loc[cm.GRADCON].dropna()
    shared = found[own.index]
    whole = shared.dropna().mean(axis=1).sort_values(ascending=False).drop(cm.GRADCON)
    above, below = (
        ", ".join(f"{name} {value:.3f}" for name, value in part.items()) or "none"
        for part in (whole[whole > own.mean()], whole[whole <= own.mean()])
    )
    fewer = [(name, line.dropna()) for name, line in shared[shared.isna().any(axis=1)].iterrows()]
    partly = "; ".join(
        f"{name} {line.mean():.3f}, GradCon {own[line.index].mean():.3f} ({', '.join(line.index)})"
        for name, line in fewer
        if len(line)
    )
    return (
        f"{words} GradCon has a mean AUROC of {own.mean():.3f} (classes: {len(own)}, "
        f"seeds that all have: {len(found.attrs['seeds'])}). Above it: {above}. Not above it: "
        f"{below}." + (f" On some classes only: {partly}." if partly else "")
    )


def nearest_printed(found: pd.DataFrame, title: str) -> str:
    """Which two lines of `cm.beside_printed` come nearest to the document's on one set."""
    if found.empty:
        return ""
    near = ", ".join(
        f"{name} ({line['difference by class']:.3f})" for name, line in found.iloc[:2].iterrows()
    )
    return f"On {title} the nearest, by the mean absolute difference of a class: {near}."


def dead_networks(reference: pd.DataFrame, title: str) -> str:
    """How many of GradCon's networks draw worse than the mean image, and their AUROC."""
    found = cm.drawn_and_ranked(reference, title)
    dead = found["explained"] < 0
    means = [
        f"With {words} GradCon has a mean AUROC of {found.loc[which, 'auroc'].mean():.3f}."
        for words, which in (("these", dead), ("the others", ~dead))
        if which.any()
    ]
    return (
        f"Of GradCon's {len(found)} reference networks on {title} {dead.sum()} are dead: they draw "
        f"held-out images of their class worse than its mean image does. {' '.join(means)}"
    )


def over_shares(table: pd.DataFrame, title: str, words: str) -> str:
    """GradCon's F1 and AUC at the smallest and largest share of outliers, beside the floor."""
    f1, auc = (cm.share_curve(table, title, cm.GRADCON, metric) for metric in ("F1", "AUC"))
    floor = cm.share_curve(table, title, "accept everything", "F1")
    told = "; ".join(
        f"F1 {f1[share]:.3f} at {share:g} % outliers (accepting everything {floor[share]:.3f}) and "
        f"AUC {auc[share]:.3f}"
        for share in dict.fromkeys([f1.index[0], f1.index[-1]] if len(f1) else [])
    )
    return told and f"{words} GradCon has {told}."


def time_ratio(found: pd.DataFrame, words: str) -> str:
    """What GradCon and GPND took (`comparison.timed_rows`), and the ratio of these times."""
    if not {cm.GRADCON, "GPND"} <= set(found.columns):
        return ""
    ratio = mean_text(found["GPND"] / found[cm.GRADCON], decimals=2)
    own, gpnd = found[cm.GRADCON].mean(), found["GPND"].mean()
    return f"{words}: GradCon {own:.2f} ms, GPND {gpnd:.2f} ms, ratio {ratio} (n = {len(found)})."


def updates(images: int, epochs: int, batch_size: int) -> str:
    """Updates of a training in batches, the last one of an epoch perhaps smaller."""
    return f"{epochs * -(-images // batch_size):,}"
