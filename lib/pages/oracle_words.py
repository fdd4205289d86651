"""Sentences on dietterich2021representation's numbers, put together from result rows.

A number of the reference stands first and this build's in square brackets. None holds a verdict:
they stay true whatever the numbers are. Forests have the names of `lib.pages.oracle`.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from lib.pages import oracle
from lib.pages.oracle_tables import (
    NOT_MEASURED,
    Source,
    Sources,
    beside,
    listed,
    one,
    step_cells,
)

LAMBDAS = (0.005, 0.9, 15.4, 2765)  # the printed weights, each error summed or averaged
TASKS = ("rotation", "recolouring", "sobel")
_LOGIT: dict[str, Any] = {"metric": oracle.AUC, "score": "max logit"}
_ARROW = " → "


def sentences(sources: Sources, document: pd.DataFrame, labelled: Sequence[int]) -> dict[str, str]:
    """What the page on both gaps says of rows alone, by the word under which it shows it.

    `document` are the talk's rows, `labelled` the numbers of anomalies on the learning curve.
    """
    return {
        "gaps": gaps(sources, document),
        "q1": question(sources, document, oracle.Q1_GAP),
        "q2": question(sources, document, oracle.Q2_GAP),
        "baseline": baseline(sources, document),
        "controls": controls(sources),
        "doubt": doubt(sources),
        "open": open_space(sources, labelled),
        "q3": third_question(sources),
    }


def sentences_on_changes(sources: Sources) -> dict[str, str]:
    """What the page on changed networks says of rows, by the word under which it shows it."""
    return {
        "q3": third_question(sources),
        "improvements": improvements(sources),
        "auxiliary": auxiliary(sources),
        "reflections": reflections(sources),
    }


def chain(source: Source) -> str:
    """The three AUCs in a row, as the talk writes them: `0.776 → 0.861 → 0.953`; maybe empty."""
    same: dict[str, Any] = {"table": oracle.Q1_Q2, "metric": oracle.AUC}
    texts = (one(source, **same, **step) for step in step_cells().values())
    return _ARROW.join(filter(None, texts))


def printed(document: pd.DataFrame, title: str, metric: str = oracle.AUC) -> str:
    """What the document prints of a set's three numbers, or of its two gaps, in a row."""
    told = document[(document["dataset"] == title) & (document["metric"] == metric)]
    return _ARROW.join(f"{value:.3f}" for value in told["value"])


def gaps(sources: Sources, document: pd.DataFrame) -> str:
    """The three steps of the reference, of this build and of the talk."""
    reference, own = sources.values()
    steps = chain(reference)
    told = f"{reference.dataset}: {steps} in our reference; " if steps else ""
    here = f"{own.dataset}: {chain(own)} in this build"
    return (
        f"Score → oracle detector → oracle representation. {told}{here}. The talk has "
        f"{printed(document, 'CIFAR-10')} for CIFAR-10 and {printed(document, 'CIFAR-100')} for "
        "CIFAR-100, with wider networks."
    )


def question(sources: Sources, document: pd.DataFrame, method: str) -> str:
    """The gap of Q1 or Q2 (`method`) in the reference, or else in this build, and as published.

    Published for the reference's images, for CIFAR-10 where the talk has no others.
    """
    words = {
        oracle.Q1_GAP: "Q1, from the score to an oracle detector on the same z",
        oracle.Q2_GAP: "Q2, from there to the z of a network that has seen all classes",
    }
    reference, own = sources.values()
    cells: dict[str, Any] = {"table": oracle.GAPS, "method": method}
    cells |= {"metric": oracle.GAP_METRIC, "score": oracle.GAP_SCORE}
    known, found = (one(source, **cells) for source in (reference, own))
    whose = f"{reference.dataset}, our reference" if known else f"{own.dataset}, this build"
    title = reference.dataset if reference.dataset in set(document["dataset"]) else "CIFAR-10"
    told = printed(document, title, oracle.GAP_METRIC).split(_ARROW)
    return (
        f"{words[method]}: {known or found or NOT_MEASURED} of AUC ({whose}); published for "
        f"{title}: {told[list(words).index(method)]}."
    )


def baseline(sources: Sources, document: pd.DataFrame) -> str:
    """The max logit beside an untrained network's and a trivial score, and its equal error rate."""
    insects = document.loc[document["metric"].str.startswith(oracle.EER), "value"].iloc[0]
    trivial = {"method": "trivial", **_of("distance to mean")}
    errors: dict[str, Any] = {"method": oracle.BASE, "metric": oracle.EER, "score": "max logit"}
    return (
        f"The AUC of the max logit is {beside(sources, method=oracle.BASE, **_LOGIT)}; of the same "
        f"score before training {beside(sources, method=oracle.UNTRAINED_BASE, **_LOGIT)}; of the "
        f"distance to the mean training image {beside(sources, **trivial)}. The max logit's equal "
        f"error rate is {beside(sources, **errors)}; the talk's insects had {insects:.2f} in 2011."
    )


def controls(sources: Sources) -> str:
    """Forest and linear probe on z, and the forest on what knows nothing of the classes."""
    own, probe, untrained, flat = _readings(sources)
    return (
        f"On the classifier's z the forest's AUC is {own} and the linear probe's {probe}. On z of "
        f"the untrained network the forest has {untrained}, on the pixels {flat}."
    )


def doubt(sources: Sources) -> str:
    """The same numbers as `controls`, those that raise a doubt first."""
    own, probe, untrained, flat = _readings(sources)
    return (
        f"What the same forest reads elsewhere: its AUC is {untrained} on an untrained network, "
        f"and {flat} on the pixels; a linear probe on z has {probe}, the forest {own}."
    )


def open_space(sources: Sources, labelled: Sequence[int]) -> str:
    """Fewest and most labelled anomalies, a class left out of them, and images from elsewhere."""
    of_small = {"method": oracle.DETECTOR, **_of(oracle.SMALL_FOREST)}
    few = [
        f"{count} labelled anomalies: "
        + beside(sources, table="few-labels", setting={"labelled": count}, **of_small)
        for count in (min(labelled), max(labelled))
    ]
    unseen, seen = (
        beside(sources, table="left-out-average", setting={"arm": arm}, **of_small)
        for arm in ("unseen", "seen")
    )
    far_logit = beside(sources, table="far-average", method=oracle.BASE, **_LOGIT)
    of_far: dict[str, Any] = {"table": "far-average", "method": oracle.DETECTOR}
    return (
        f"With {'; with '.join(few)}. A class left out of the labelled ones: AUC {unseen}; when it "
        f"is among them, {seen}. Far images, mean over the sets: max logit {far_logit}; the "
        "forest, which learnt from other classes what an anomaly is, "
        f"{beside(sources, **of_far, **_of(oracle.FOREST))}."
    )


def third_question(sources: Sources) -> str:
    """Q3: the forest on z of the hybrids and of the plain network."""
    plain = beside(sources, method=oracle.BASE, first=True, **_of(oracle.FOREST))
    return (
        f"Q3: {_hybrids(sources)} (AUC of the forest on the hybrid's z; first split, so "
        f"without an interval); the plain network has {plain} there."
    )


def improvements(sources: Sources) -> str:
    """Generalized ODIN's largest h beside the plain max logit, and ensembles by their size."""
    h = {"method": oracle.GENERALIZED_ODIN, **_of("max cosine h")}
    cells = {"table": "ensembles", "method": oracle.ENSEMBLE, **_of("mean max logit")}
    by_size = {f"{i} members:": cells | {"setting": {"members": i}} for i in range(2, 6)}
    return (
        f"AUC of the largest h: {beside(sources, **h)}; of the plain network's max logit: "
        f"{beside(sources, method=oracle.BASE, **_LOGIT)}. Ensembles on the first split, mean max "
        f"logit: {listed(sources, by_size) or 'none was trained'}."
    )


def auxiliary(sources: Sources) -> str:
    """The max logit of the networks with an auxiliary task."""
    cells = {f"with {name}": {"method": oracle.METHODS[name], **_LOGIT} for name in TASKS}
    tasks = listed(sources, cells)
    if not tasks:
        return "This build trains none of them, and there is no reference yet."
    return f"AUC of the max logit, first split: {tasks}."


def reflections(sources: Sources) -> str:
    """Rank correlations of accuracy and AUC, and what the forest lost by the last epoch."""
    ranks: dict[str, Any] = {"table": "reflection-accuracy", "method": oracle.BASE}
    ranks |= {"score": "max logit", "metric": oracle.RANK}
    epochs, networks = (
        beside(sources, **ranks, setting={"arm": arm}, decimals=2)
        for arm in ("checkpoints", "networks")
    )
    lost: dict[str, Any] = {
        "table": "over-training-summary",
        "method": oracle.BASE,
        "score": oracle.SMALL_FOREST,
    }
    return (
        f"Rank correlation of accuracy and AUC: over the epochs of one training {epochs}, over "
        f"finished networks {networks}. What the forest finds at the last epoch, less the most it "
        f"found before: {beside(sources, **lost, metric=oracle.LOST)}."
    )


def _of(score: str) -> dict[str, Any]:
    return {"metric": oracle.AUC, "score": score}


def _hybrids(sources: Sources) -> str:
    cells = {
        f"λ = {weight:g}:": {
            "method": oracle.HYBRID,
            "setting": {"lambda": weight},
            **_of(oracle.FOREST),
        }
        for weight in LAMBDAS
    }
    return listed(sources, cells) or "no hybrid was trained"


def _readings(sources: Sources) -> list[str]:
    """AUC of the forest on z, of the probe on it, and of the forest on untrained z and pixels."""
    cells = (
        {"method": oracle.BASE, **_of(oracle.FOREST)},
        {"method": oracle.BASE, **_of(oracle.PROBE)},
        {"method": oracle.UNTRAINED, **_of(oracle.FOREST)},
        {"method": oracle.PIXELS, **_of(oracle.PIXEL_FOREST)},
    )
    return [beside(sources, **each) for each in cells]
