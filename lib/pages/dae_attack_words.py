"""Sentences on attacks on spigler2019denoising's networks: the document's, and stronger ones.

Each says whose numbers it holds. None holds a verdict: they stay true whatever the numbers are.
"""

import math
from functools import partial

from lib.pages import dae
from lib.pages.dae_attack_tables import NEAREST, attack_rate, distance
from lib.pages.dae_words import ALPHA, printed
from lib.results.sources import (
    BUILD,
    Sources,
    mean_of,
    mean_words,
    over_sets,
    place_words,
    rate_words,
)


def _rates(of: Sources, method: str, threshold: float, *, after: bool = False) -> str:
    """Rates of the document's attack over all attempts, with what the slides print."""

    def rate(where: str) -> str:
        text = rate_words(of, where, dae.cells(dae.RATE, threshold) | {"method": method})
        told = printed(of, where, method, dae.RATE, threshold)
        return text and f"{text} (published {told})"

    return over_sets(of, rate, after=after)


def _limit(of: Sources, method: str, threshold: float) -> str:
    cells = {"method": method} | dae.cells(dae.LIMIT, threshold)
    text = over_sets(of, lambda where: mean_words(of, where, cells, decimals=0), after=True)
    return text.replace(" ± 0", "")


def fooling_line(of: Sources, threshold: float) -> str:
    """Rates of the document's attack on its networks at a threshold, and the steps allowed."""
    by_network = ". ".join(f"{name} {_rates(of, name, threshold)}" for name in dae.MAIN)
    return (
        f"Share of attempts that succeed {dae.word_of(threshold)}, those of all seeds together, "
        f"with its 95 % Wilson interval ({of.words}): {by_network}. Steps allowed to dAE sym: "
        f"{_limit(of, dae.SYM, threshold)}; to the others: {_limit(of, dae.CNN, threshold)}."
    )


def fooling(of: Sources, low: float, high: float) -> str:
    """The rates of the document's attack on dAE sym at two thresholds."""
    by_level = ", and ".join(
        f"{_rates(of, dae.SYM, level, after=True)} {dae.word_of(level)}" for level in (low, high)
    )
    return (
        f"The document's attack fools dAE sym at a rate of {by_level} ({of.words}; steps "
        f"allowed: {_limit(of, dae.SYM, low)})."
    )


def build(
    of: Sources, threshold: float, *, epochs: int, seeds: list[int], limits: dict[str, int]
) -> str:
    """The rates of this build on dAE sym and CNN, with the `limits` on steps by network."""
    sym, cnn = (
        rate_words(of, BUILD, dae.cells(dae.RATE, threshold) | {"method": name}, n=True)
        for name in (dae.SYM, dae.CNN)
    )
    return (
        f"This build, on {of.title} with {epochs} epochs and seeds {seeds}, fools dAE sym "
        f"{dae.word_of(threshold)} at a rate of {sym} attempts (limit of {limits[dae.SYM]:,} "
        f"steps), the CNN at {cnn} (limit of {limits[dae.CNN]:,})."
    )


def arms_line(of: Sources) -> str:
    """The alpha that meets the printed loss of accuracy, everywhere."""
    alphas = {
        where: mean_of(of, where, ALPHA, setting={"arm": "printed loss"}) for where in of.places
    }
    told = over_sets(
        of,
        lambda where: "" if math.isnan(alphas[where]) else f"{alphas[where]:.1f}",
        of.places,
        after=True,
    )
    none_left = any(weight == 0 for weight in alphas.values())
    return f"The alpha that meets the printed loss is {told}" + (
        ". Where it is 0 the classifier's own outputs lose as much or more, and this arm is dAE "
        "sym without a confidence."
        if none_left
        else "."
    )


def stronger_line(of: Sources, threshold: float) -> str:
    """The least successful attack on dAE sym in log space, and what the clamp makes of images."""
    kinds = ("generator log", "image of another class", "image with restarts")

    def least(where: str) -> str:
        rate_of = partial(attack_rate, of, threshold, where, name=dae.SYM)
        rates = {kind: rate_of(kind) for kind in (*kinds, "blend of two images")}
        rates = {kind: rate for kind, rate in rates.items() if rate}
        if not rates:
            return ""
        kind, rate = min(rates.items(), key=lambda item: item[1])
        return f"{rate} ({kind}), from images with the clamp {rate_of('image clamped')}"

    return (
        f"The least rate {dae.word_of(threshold)} of an attack in log space on dAE sym "
        f"({of.words}): {over_sets(of, least)}."
    )


def _near(of: Sources, threshold: float, where: str, *others: str) -> str:
    """Distances to the nearest training image of what fools, test images and other pictures."""
    wanted = [f"what fools {name}, generator log" for name in (dae.SYM, dae.CNN)]
    texts = {
        what: distance(of, threshold, where, what, decimals=2)
        for what in (*wanted, "test images", *others)
    }
    named = {what.removesuffix(", generator log"): text for what, text in texts.items()}
    return ", ".join(f"{word} {text}" for word, text in named.items() if text)


def stronger(of: Sources, threshold: float) -> str:
    """COOL's rate by the document's attack, cut short, and without the clamp; and distances."""

    def clamp(where: str) -> str:
        kinds = ("generator", "generator log")
        texts = [attack_rate(of, threshold, where, kind, dae.COOL) for kind in kinds]
        return f"from {texts[0]} to {texts[1]}" if all(texts) else ""

    return (
        "An attack may fail for its own sake: without the clamp in its objective COOL's rate "
        f"{dae.word_of(threshold)} goes {over_sets(of, clamp)} ({of.words}). Distance to the "
        f"nearest training image: {over_sets(of, partial(_near, of, threshold))}."
    )


def distance_line(of: Sources, threshold: float) -> str:
    """Distances to the nearest training image, and where a black image is nearer than tests."""

    def near(where: str) -> str:
        return _near(of, threshold, where, "noise", "black image")

    def mean_distance(where: str, method: str) -> float:
        return mean_of(of, where, NEAREST | {"method": method, "class_": dae.at(threshold)})

    nearer = " and ".join(
        place_words(of, where)
        for where in of.told
        if mean_distance(where, "black image") < mean_distance(where, "test images")
    )
    return f"By the attack without the clamp (generator log): {over_sets(of, near)}." + (
        f" A black image is nearer than test images {nearer}: a small distance alone makes no "
        "image of a class."
        if nearer
        else ""
    )
