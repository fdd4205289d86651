"""The localization chapter's sentences: the right numbers, and something honest without them."""

import pandas as pd

from lib.pages import localization as lo
from lib.pages import localization_words as told
from lib.pages.localization_measured import REACH
from lib.pages.localization_survey import agree_less
from lib.pages.localization_tables import RANKING, REGION, Source
from lib.results import frame, row

PLACE = lo.distance_place(10)


def source(*found):
    """Rows given as (cells, value) or (cells, value, seed)."""
    lines = [
        row(
            **{"run": "r", "dataset": "MNIST", "method": lo.METHOD, "n": 1, "seed": 0}
            | {name.replace("class", "class_"): cell for name, cell in cells.items()}
            | {"value": value, "seed": (*seed, 0)[0]}
        )
        for cells, value, *seed in found
    ]
    return Source(frame(lines), "MNIST")


def test_both_numbers_say_whose_they_are():
    cells = lo.cells(PLACE, "normal")
    build = source((cells, 1.25))
    reference = source((cells, 0.4, 0), (cells, 0.6, 1))
    # two values 0.2 apart: half width 12.706 · 0.1414 / sqrt(2) = 1.271
    assert told.both(reference, build, cells) == "0.500 ± 1.271 (this build: 1.250)"
    nothing = source((lo.cells(PLACE, "novel"), 1.0))
    assert told.both(nothing, build, cells, decimals=1) == "1.2 (this build)"
    found = told.both_of_kinds(nothing, build, PLACE, ["normal"])
    assert found == {"normal": "1.25 (this build)"}


def test_kinds_are_joined():
    assert told.of_kinds("{:.1f}", {"normal": 1.0, "novel": 2.25}) == "1.0 (normal) and 2.2 (novel)"
    assert told.of_kinds("{:.0f}", {"normal": 3.0}) == "3 (normal)"


def test_what_is_printed_is_told_as_it_is():
    document = pd.DataFrame(
        [{**lo.cells(PLACE, kind), "value": v} for kind, v in (("normal", 6.50), ("novel", 7.0))]
    )
    assert told.printed(document, PLACE) == "6.5 and 7"
    assert told.printed(document, lo.distance_place(5)) == ""


def test_reach_tells_both_readings():
    cells = [lo.cells(place, "normal") for place in REACH.values()]
    build = source((cells[0], 0.25), (cells[1], 0.75))
    text = told.reach(source((lo.cells(PLACE, "normal"), 1.0)), build)
    assert "the image's largest is 0.25 (this build). But" in text
    assert text.endswith("of the same error pixel lies 0.75 (this build).")


def test_ties_are_counted_by_k():
    assert told.ties({5: 0, 10: 3}, 12000) == (
        "at K = 5 there were 0 at the border; at K = 10 there were 3 at the border, in 12,000 "
        "pairs of maps"
    )


def test_the_mode_stands_beside_the_documents():
    start = "The most frequent agreement of the top 10 is 2 (normal) and 1 (novel) in this build"
    found = {"normal": 2.0, "novel": 1.0}
    assert told.mode(10, found, "3 and 2") == f"{start}, where the document has 3 and 2."
    assert told.mode(10, found, "") == f"{start}."


def test_squaring_divides():
    assert told.squaring({"normal": 0.5, "novel": 0.6}, {"normal": 0.25, "novel": 0.1}) == (
        "Squaring divides the map error by 2.0 (normal) and 6.0 (novel) in this build."
    )


def test_rates_name_the_best():
    assert told.rates(0.01, 20, {0.01: 0.2}) == "This build uses 0.01 and 20 epochs."
    text = told.rates(0.01, 20, {0.01: 0.2, 0.003: 0.125})
    assert "we tried the rates 0.003 (0.12500), 0.01 (0.20000); in brackets" in text
    assert text.endswith("by which 0.003 is the best.")


def test_the_grid_begins_after_the_first_epoch():
    over = pd.DataFrame(
        [("normal", 1, 0.0), ("normal", 2, 0.75), ("normal", 5, 0.5), ("novel", 5, 0.99)],
        columns=["class", "epoch", "value"],
    )
    text = told.grid(10, over)
    assert "at most 5 of 10 pixels in common lies anywhere between 0.50 and 0.75, dep" in text
    assert told.grid(10, over[:1]) == ""


def test_novelty_and_classes_are_told_apart():
    effects = pd.DataFrame({"novelty": [-0.25], "classes": [0.125]})
    text = told.swap(5, effects, "0-4")
    assert text == (
        "Effect of novelty on the share of images whose top 5 mostly agree, the class held: 0.250; "
        "effect of being one of the classes 0-4, whatever is novel: 0.125."
    )
    assert told.swap(5, pd.DataFrame(), "0-4") == ""
    assert told.decomposed({5: "A.", 10: "B."}, "this build") == "A. B. (From this build.)"
    nothing = "This run has one set of training classes only."
    assert told.decomposed({5: ""}, "this build") == nothing
    assert told.novelty(10, {}, {5: "A."}, "x") == "A. (From x.)"
    held = {agree_less(10): (2, 3)}
    assert told.novelty(10, held, {5: "A.", 10: "B."}, "x") == (
        "That novel images agree less (finding 4, K = 10) holds in 2 of 3 cases of x. B."
    )


def test_findings_that_always_hold_come_first():
    held = {"1: a": (3, 3), "2: b": (2, 3), "3: c": (1, 1)}
    assert told.survives(held, "x") == (
        "In every case of x: 1: a; 3: c. Not in every case of x: 2: b (2 of 3)."
    )
    assert told.survives({"2: b": (0, 3)}, "x") == "Not in every case of x: 2: b (0 of 3)."


def test_the_most_sensitive_map_comes_first():
    text = told.sanity({"a": 0.5, "b": 0.25})
    assert text.endswith("this build, the most sensitive first: b 0.25, a 0.50.")


def test_regions_and_their_best_map():
    found = {"reconstruction error": 0.25, "saliency": 0.5, "product": 0.75, "input": 0.125}
    methods = dict.fromkeys(found, lo.METHOD) | {"input": "trivial"}
    rows = [
        ({**REGION, "class": "novel", "score": score, "method": methods[score]}, value)
        for score, value in found.items()
    ]
    build = source(*rows, ({**REGION, "class": "novel", "method": "chance"}, 0.0625))
    assert told.best_map(build, methods) == (
        "By average precision the best of this build is product (0.750); chance is 0.062."
    )
    assert told.planted(source(rows[3]), build) == (
        "Where the novel region is known, average precision is 0.250 (this build) for the error "
        "map, 0.500 (this build) for saliency and 0.750 (this build) for their product; chance is "
        "0.062."
    )


def test_the_decision_stands_beside_a_trivial_one():
    mine = {**RANKING, "class": "novel", "score": "reconstruction error"}
    trivial = {**RANKING, "class": "novel", "score": "distance to mean", "method": "trivial"}
    build = source((mine, 0.75), (trivial, 0.5))
    assert told.decision(source((mine, 0.875)), build) == (
        "As a ranking the mean error has an AUROC of 0.875 (this build: 0.750), the distance to "
        "the mean training image 0.500 (this build)."
    )


def test_the_page_begins_with_agreement_and_this_build():
    text = told.agreement(10, {"normal": "0.9", "novel": "0.8"}, "0.95 and 0.96")
    assert text == (
        "The 10 most salient pixels and the 10 of largest error share at most 5 in a share of 0.9 "
        "of the normal images and 0.8 of the novel images; published: 0.95 and 0.96."
    )
    assert told.agreement(10, {"normal": "0.9"}, "").endswith("0.9 of the normal images.")
    assert told.build("MNIST", 3, 10, {"normal": 0.94}, {"normal": 6.04}) == (
        "This build, on MNIST with 3 epochs: at most 5 of 10 shared in 0.94 (normal); one salient "
        "pixel 6.0 (normal) pixels from any large error."
    )
