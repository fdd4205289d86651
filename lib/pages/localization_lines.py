"""Which numbers of feeney2021localization the page's tables show, line by line.

Each function gives the cells of the rows behind every line, as `compared` takes them. `kinds` are
the kinds of test images that there are, `ks` the numbers of pixels that are compared.
"""

from collections.abc import Iterable

from lib.pages.localization import (
    BOTH,
    METHOD,
    SQUARED,
    TO_ERROR,
    TO_SALIENCY,
    agreement_place,
    cells,
    distance_place,
    gap_places,
    map_error_place,
)
from lib.pages.localization_measured import (
    ERROR,
    FLAGGED,
    LARGE_SCORES,
    MISSED,
    RANKED,
    large_place,
)
from lib.pages.localization_tables import RANKING, REGION, Source

Lines = dict[str, dict[str, str]]
DECISION_KINDS = {
    "held-out normal images": "validation",
    "normal test images": "normal",
    "novel test images": "novel",
}
DECISION_SCORES = {
    ERROR: METHOD,
    "largest pixel error": METHOD,
    "mean saliency": METHOD,
    "mean brightness": "trivial",
    "distance to mean": "trivial",
}


def pictures(kinds: Iterable[str]) -> Lines:
    """Finding 1: large pixels of each map, and salient pixels that the error map misses."""
    lines = {
        f"pixels ≥ 0.5: {score}, {kind}": cells(large_place(score), kind)
        for score in LARGE_SCORES
        for kind in kinds
    }
    return lines | {f"missed of the ten: {kind}": cells(MISSED, kind) for kind in kinds}


def ranks(kinds: Iterable[str]) -> Lines:
    """Finding 2: the rank correlation of the two maps."""
    return {f"Spearman, {kind}": cells(RANKED, kind) for kind in kinds}


def table_1(ks: Iterable[int], kinds: Iterable[str]) -> Lines:
    """Table 1: shares of images in which at most half of the top k agree, and the rest."""
    return {
        f"top {k}: {words} shared, {kind}": cells(agreement_place(k, most), kind)
        for k in ks
        for most, words in ((False, "half or fewer"), (True, "most"))
        for kind in kinds
    }


def gaps(ks: Iterable[int]) -> Lines:
    """Finding 4: normal minus novel images, and its z."""
    return {
        f"top {k}: {words}": cells(place, "normal - novel")
        for k in ks
        for words, place in zip(("normal minus novel", "z"), gap_places(k), strict=True)
    }


def distances(ks: Iterable[int], kinds: Iterable[str]) -> Lines:
    """Finding 5: the maximum distance to the best match, in both directions."""
    return {
        f"top {k}: {score.replace('reconstruction ', '')}, {kind}": cells(
            distance_place(k, score), kind
        )
        for score in (TO_ERROR, TO_SALIENCY)
        for k in ks
        for kind in kinds
    }


def map_errors(kinds: Iterable[str]) -> Lines:
    """Finding 6: the map error, with saliency as it is and squared."""
    return {
        f"{words}, {kind}": cells(map_error_place(score), kind)
        for words, score in (("saliency", BOTH), ("squared saliency", SQUARED))
        for kind in kinds
    }


def decision() -> Lines:
    """Section 2.1: shares of images called novel, and what ranks them."""
    flagged = {f"called novel: {words}": cells(FLAGGED, k) for words, k in DECISION_KINDS.items()}
    return flagged | {
        f"AUROC: {score}": {**RANKING, "score": score, "method": method}
        for score, method in DECISION_SCORES.items()
    }


def checked(build: Source, k: int) -> dict[str, float]:
    """The trained numbers that smoke runs are held to, over the normal test images.

    `k` is the larger number of compared pixels; what this build has no rows for is left out.
    """
    half = agreement_place(k, most=False)
    asked = {
        f"agreement up to {k // 2}": cells(half, "normal"),
        "distance": cells(distance_place(k), "normal"),
        "map error": cells(map_error_place(BOTH), "normal"),
        "squared map error": cells(map_error_place(SQUARED), "normal"),
        "saliency after randomisation": {
            "table": "sanity-randomisation",
            "score": "saliency",
            "metric": "mean Spearman over the stages",
        },
        "image AUROC": {**RANKING, "score": ERROR},
        **{f"planted, {score}": {**REGION, "score": score} for score in (ERROR, "saliency")},
    }
    return {name: build.mean(**c) for name, c in asked.items() if len(build.values(**c))}
