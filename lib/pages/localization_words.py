"""Sentences on feeney2021localization's numbers, put together from texts and tables.

None holds a verdict: they stay true whatever the numbers are. Shares and errors are told by kind of
test images, normal and novel.
"""

from collections.abc import Iterable, Mapping

import pandas as pd

from lib.pages.localization import Place, at, cells
from lib.pages.localization_measured import ERROR, REACH, SALIENCY
from lib.pages.localization_survey import agree_less
from lib.pages.localization_tables import RANKING, REGION, Source
from lib.results.tables import mean_text

NOTHING_NOVEL = "No class is novel to the network of this build."
ONE_SET = "This run has one set of training classes only."


def both(reference: Source, build: Source, cells: Mapping[str, str], *, decimals: int = 3) -> str:
    """The reference number with these cells, where there is one, and this build's."""
    text = mean_text(reference.values(**cells), decimals=decimals)
    mine = f"{build.mean(**cells):.{decimals}f}"
    return f"{text} (this build: {mine})" if text else f"{mine} (this build)"


def of_kinds(template: str, values: Mapping[str, float]) -> str:
    """The template filled with each kind's number: `0.94 (normal) and 0.93 (novel)`."""
    return " and ".join(f"{template.format(value)} ({kind})" for kind, value in values.items())


def printed(document: pd.DataFrame, place: Place) -> str:
    """What the document prints for normal and novel images; empty where it prints nothing."""
    return " and ".join(f"{value:g}" for value in at(document, place)["value"])


def both_of_kinds(
    reference: Source, build: Source, place: Place, kinds: Iterable[str]
) -> dict[str, str]:
    """`both` of a place with two decimals, by kind of test images."""
    return {kind: both(reference, build, cells(place, kind), decimals=2) for kind in kinds}


def reach(reference: Source, build: Source) -> str:
    """How many entries of the Jacobian are not small, by either reading of large."""
    told = (both(reference, build, cells(place, "normal"), decimals=2) for place in REACH.values())
    whole, by_pixel = told
    return (
        "In the Jacobian of r for a few normal test images the share of entries above a thousandth "
        f"of the image's largest is {whole}. But where an error is nearly zero its derivative is "
        "so too; above a thousandth of the largest entry of the same error pixel lies "
        f"{by_pixel}."
    )


def ties(counts: Mapping[int, int], pairs: int) -> str:
    """How many pixels were equal to the last of the top K, by K, in so many pairs of maps."""
    told = "; ".join(f"at K = {k} there were {count} at the border" for k, count in counts.items())
    return f"{told}, in {pairs:,} pairs of maps"


def mode(k: int, found: Mapping[str, float], document: str) -> str:
    """The most frequent agreement by kind, beside what the document prints, if anything."""
    modes = of_kinds("{:.0f}", found)
    told = f"The most frequent agreement of the top {k} is {modes} in this build"
    return told + (f", where the document has {document}." if document else ".")


def squaring(plain: Mapping[str, float], squared: Mapping[str, float]) -> str:
    """By what factor the map errors of each kind fall when saliency is squared."""
    factors = of_kinds("{:.1f}", {kind: plain[kind] / squared[kind] for kind in plain})
    return f"Squaring divides the map error by {factors} in this build."


def rates(rate: float, epochs: int, tried: Mapping[float, float]) -> str:
    """This build's learning rate, and the validation error of all that were `tried`."""
    told = f"This build uses {rate:g} and {epochs} epochs."
    if len(tried) < 2:
        return told
    listed = ", ".join(f"{each:g} ({tried[each]:.5f})" for each in sorted(tried))
    return (
        f"{told} On full data we tried the rates {listed}; in brackets the error on held-out "
        f"normal images, by which {min(tried, key=lambda each: tried[each]):g} is the best."
    )


def grid(k: int, over: pd.DataFrame) -> str:
    """The range of a share over epochs, rates and noise; empty without epochs after the first.

    `over` has the columns class, epoch and value, as `localization_tables.over_epochs`.
    """
    later = over[(over["class"] == "normal") & (over["epoch"] > 1)]["value"]
    if later.empty:
        return ""
    return (
        f"From the second epoch on, the share of normal images with at most {k // 2} of {k} pixels "
        f"in common lies anywhere between {later.min():.2f} and {later.max():.2f}, depending on "
        "when one stops, on the learning rate and on the noise."
    )


def swap(k: int, effects: pd.DataFrame, classes: str) -> str:
    """What is novelty and what are other classes (`localization_tables.effects`); empty without."""
    if effects.empty:
        return ""
    return (
        f"Effect of novelty on the share of images whose top {k} mostly agree, the class held: "
        f"{mean_text(-effects['novelty'])}; effect of being one of the classes {classes}, whatever "
        f"is novel: {mean_text(effects['classes'])}."
    )


def decomposed(swaps: Mapping[int, str], source: str) -> str:
    """`swap` of each K, and whose numbers they are; says so where no roles were swapped."""
    told = " ".join(filter(None, swaps.values()))
    return f"{told} (From {source}.)" if told else ONE_SET


def survives(held: Mapping[str, tuple[int, int]], source: str) -> str:
    """Which findings are true in every case, and which in how many (`held_in_all`)."""
    always = [name for name, (true, of) in held.items() if true == of]
    sometimes = [f"{name} ({true} of {of})" for name, (true, of) in held.items() if true < of]
    parts = (("In every case of", always), ("Not in every case of", sometimes))
    return " ".join(f"{words} {source}: {'; '.join(names)}." for words, names in parts if names)


def novelty(
    k: int, held: Mapping[str, tuple[int, int]], swaps: Mapping[int, str], source: str
) -> str:
    """Whether novel images agree less, and what novelty alone does; `swaps` as `decomposed`."""
    if not (cases := held.get(agree_less(k))):
        return decomposed(swaps, source)
    last = [text for text in swaps.values() if text][-1:]
    return (
        f"That novel images agree less (finding 4, K = {k}) holds in {cases[0]} of {cases[1]} "
        f"cases of {source}. {' '.join(last)}"
    )


def sanity(similarity: Mapping[str, float] | pd.Series) -> str:
    """The methods by mean structural similarity with the trained network's map, least first."""
    ordered = sorted(similarity.items(), key=lambda entry: entry[1])
    ranking = ", ".join(f"{score} {value:.2f}" for score, value in ordered)
    return (
        "Mean structural similarity with the trained network's map over all stages of this build, "
        f"the most sensitive first: {ranking}."
    )


def best_map(build: Source, methods: Mapping[str, str]) -> str:
    """The map that finds known regions best by average precision; `methods` as in `regions`."""
    precision = {
        score: build.mean(**REGION, method=method, score=score) for score, method in methods.items()
    }
    best, by_chance = max(precision, key=lambda score: precision[score]), _chance(build)
    return (
        f"By average precision the best of this build is {best} ({precision[best]:.3f}); chance is "
        f"{by_chance:.3f}."
    )


def planted(reference: Source, build: Source) -> str:
    """Average precision of three maps where the novel region is known."""
    error, saliency, product = (
        both(reference, build, {**REGION, "score": score}) for score in (ERROR, SALIENCY, "product")
    )
    return (
        f"Where the novel region is known, average precision is {error} for the error map, "
        f"{saliency} for saliency and {product} for their product; chance is {_chance(build):.3f}."
    )


def decision(reference: Source, build: Source) -> str:
    """The AUROC of the mean error, and of a trivial score."""
    error = both(reference, build, {**RANKING, "score": ERROR})
    trivial = {**RANKING, "score": "distance to mean", "method": "trivial"}
    distance = both(reference, build, trivial)
    return (
        f"As a ranking the mean error has an AUROC of {error}, the distance to the mean training "
        f"image {distance}."
    )


def agreement(k: int, shares: Mapping[str, str], document: str) -> str:
    """In how many images of each kind at most half of the top K are shared."""
    told = " and ".join(f"{share} of the {kind} images" for kind, share in shares.items())
    return (
        f"The {k} most salient pixels and the {k} of largest error share at most {k // 2} in a "
        f"share of {told}" + (f"; published: {document}." if document else ".")
    )


def build(
    title: str, epochs: int, k: int, few: Mapping[str, float], far: Mapping[str, float]
) -> str:
    """This build's budget and its two main numbers by kind: shares and distances in pixels."""
    return (
        f"This build, on {title} with {epochs} epochs: at most {k // 2} of {k} shared in "
        f"{of_kinds('{:.2f}', few)}; one salient pixel {of_kinds('{:.1f}', far)} pixels from any "
        "large error."
    )


def _chance(build: Source) -> float:
    return build.mean(**REGION, method="chance")
