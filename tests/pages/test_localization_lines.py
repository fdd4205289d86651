"""Which numbers the page's tables show: their names, and the published rows they lead to."""

from lib.pages import localization as lo
from lib.pages import localization_lines as lines_of
from lib.pages.localization_tables import Source
from lib.results import frame, published, row

KINDS = ("normal", "novel")


def test_lines_read_as_on_the_page():
    assert list(lines_of.table_1([5], KINDS)) == [
        "top 5: half or fewer shared, normal",
        "top 5: half or fewer shared, novel",
        "top 5: most shared, normal",
        "top 5: most shared, novel",
    ]
    assert list(lines_of.gaps([5])) == ["top 5: normal minus novel", "top 5: z"]
    assert list(lines_of.distances([5], ["normal"])) == [
        "top 5: saliency to error, normal",
        "top 5: error to saliency, normal",
    ]
    assert list(lines_of.map_errors(["novel"])) == ["saliency, novel", "squared saliency, novel"]
    assert list(lines_of.ranks(KINDS)) == ["Spearman, normal", "Spearman, novel"]
    assert list(lines_of.pictures(["normal"])) == [
        "pixels ≥ 0.5: saliency, normal",
        "pixels ≥ 0.5: squared saliency, normal",
        "pixels ≥ 0.5: reconstruction error, normal",
        "missed of the ten: normal",
    ]
    decision = lines_of.decision()
    assert len(decision) == 8
    assert decision["called novel: held-out normal images"]["class"] == "validation"
    assert decision["AUROC: mean brightness"]["method"] == "trivial"


def test_the_documents_numbers_are_found():
    document = published("localization-paper")
    document = document[document["method"] == lo.METHOD]
    places = set(document[["table", "score", "metric", "class"]].itertuples(index=False, name=None))
    shown = lines_of.table_1([5, 10], KINDS) | lines_of.map_errors(KINDS)
    shown |= {k: v for k, v in lines_of.distances([5, 10], KINDS).items() if "y to err" in k}
    for line, cells in shown.items():
        assert tuple(cells.values()) in places, line


def test_checked_numbers_are_those_that_the_run_has():
    place = lo.distance_place(10)
    cells = {"run": "r", "dataset": "MNIST", "method": lo.METHOD, "n": 10, "seed": 0}
    found = [row(**cells, **place._asdict(), class_="normal", value=4.0)]
    found += [row(**cells, **place._asdict(), class_="novel", value=5.0)]
    build = Source(frame(found), "MNIST")
    assert lines_of.checked(build, 10) == {"distance": 4.0}
    auroc = {"table": "novelty-decision", "metric": "AUROC", "score": "reconstruction error"}
    found += [row(**cells, **auroc, class_="novel", value=0.75)]
    build = Source(frame(found), "MNIST")
    assert lines_of.checked(build, 10) == {"distance": 4.0, "image AUROC": 0.75}
    assert lines_of.checked(build, 5) == {"image AUROC": 0.75}
