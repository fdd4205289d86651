"""How kwon2020gradcon's numbers change from one epoch of the training to another.

All functions take what `gradcon.courses` returns: AUROCs by line, and validation losses by network.
"""

import math
from collections.abc import Collection, Mapping
from itertools import pairwise

import pandas as pd

from lib.pages import gradcon
from lib.pages.gradcon_words import DOCUMENT_EPOCHS

MILESTONES = (1, 20, 60, 150)  # epochs of the reference runs between which changes are told
AUROC, ERROR = "AUROC", "error"
Courses = tuple[pd.DataFrame, pd.DataFrame]  # of the AUROC, of the validation loss


def change_table(courses: Mapping[str, Courses]) -> pd.DataFrame:
    """What changed between MILESTONES, as text; one line per source and pair of epochs.

    The index has the levels numbers (the keys of `courses`) and epochs, the columns two levels, of
    which the first is AUROC or ERROR. After the last milestone a line, its epochs in brackets, has
    what the same change per doubling of epochs would give by the document's 1000.
    """
    lines: dict[tuple[str, str], dict[tuple[str, str], str]] = {}
    for source, (aurocs, losses) in courses.items():
        for start, end in steps(aurocs):
            if (changes := gradcon.course_changes(aurocs, start, end)).empty:
                continue
            factors = error_changes(losses, start, end)
            lines[source, f"{start} to {end}"] = {
                **{
                    (AUROC, str(line)): f"{c.mean:+.3f} ({up}/{n})"
                    for line, c, n, up in changes.itertuples()
                },
                **{(ERROR, str(network)): f"{value:+.0f} %" for network, value in factors.items()},
            }
        far = extrapolated(aurocs)
        if len(far):
            lines[source, f"(to {DOCUMENT_EPOCHS})"] = {
                (AUROC, str(line)): f"{value:+.3f}" for line, value in far.items()
            }
    columns = sorted({column for line in lines.values() for column in line})  # AUROC first
    return pd.DataFrame(
        [[line.get(column, "") for column in columns] for line in lines.values()],
        index=_levels(lines, ["numbers", "epochs"]),
        columns=_levels(columns, [None, None]),
    )


def last_change(name: str, courses: Courses) -> str:
    """One sentence on the last pair of epochs: how far AUROCs moved, and what the error did."""
    aurocs, losses = courses
    start, end = (steps(aurocs) or [(0, 0)])[-1]
    if (changes := gradcon.course_changes(aurocs, start, end)).empty:
        return f"{name}: no network was looked at twice."
    most = max(abs(change.mean) for change in changes["change"])
    text = f"{name}: from epoch {start} to {end} mean AUROCs move by at most {most:.3f}"
    if len(factors := error_changes(losses, start, end)):
        least, largest = sorted((factors.min(), factors.max()), key=abs)
        between = f"{least:+.0f} to {largest:+.0f}" if len(factors) > 1 else f"{least:+.0f}"
        text += f", the validation error by {between} %"
    if len(far := extrapolated(aurocs)):
        text += (
            f"; at the same pace per doubling of epochs, the document's {DOCUMENT_EPOCHS} would "
            f"move them by at most another {far.abs().max():.3f}, which is an extrapolation and "
            "not a measurement"
        )
    return f"{text}."


def steps(aurocs: pd.DataFrame) -> list[tuple[int, int]]:
    """Pairs of neighbouring MILESTONES that were looked at; without two, first and last epoch.

    Empty where only one epoch was looked at.
    """
    seen = [epoch for epoch in MILESTONES if epoch in aurocs]
    if len(seen) < 2:
        seen = sorted({int(aurocs.columns[0]), int(aurocs.columns[-1])})
    return list(pairwise(seen))


def error_changes(losses: pd.DataFrame, start: int, end: int) -> pd.Series:
    """Change of each network's validation loss in per cent, from the geometric mean over all."""
    logarithms = losses.map(math.log, na_action="ignore")
    found = gradcon.course_changes(logarithms, start, end)["change"]
    return pd.Series({n: 100 * math.exp(c.mean) - 100 for n, c in found.items()}, dtype=float)


def extrapolated(aurocs: pd.DataFrame) -> pd.Series:
    """What the last step's change per doubling of epochs gives by DOCUMENT_EPOCHS, by line.

    Empty unless the last two epochs are MILESTONES and the last of them was reached.
    """
    start, end = (steps(aurocs) or [(0, 0)])[-1]
    if end != MILESTONES[-1] or start not in MILESTONES:
        return pd.Series(dtype=float)
    times = math.log(DOCUMENT_EPOCHS / end) / math.log(end / start)
    changes = gradcon.course_changes(aurocs, start, end)["change"]
    return pd.Series({line: times * c.mean for line, c in changes.items()}, dtype=float)


def _levels(tuples: Collection[tuple[str, str]], names: list[str | None]) -> pd.MultiIndex:
    """An index of two levels, also where there is nothing to put into it."""
    first, second = zip(*tuples, strict=True) if tuples else ((), ())
    return pd.MultiIndex.from_arrays([first, second], names=names)
