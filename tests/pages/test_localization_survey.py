"""Which findings hold in which networks: counted by hand."""

import pytest

from lib.pages import localization as lo
from lib.pages import localization_survey as survey
from lib.pages.localization_measured import RANKED, large_place
from lib.pages.localization_tables import VALIDATION, Source
from lib.results import frame, row

AGREE = survey.agree_less(10)
FEW = "3: at most 5 of 10 shared in most images"
FAR = "5: a salient pixel ≥ 3 pixels from large errors"
# of every finding, what holds it for both kinds of images
HOLDING = {
    large_place("saliency"): (0.5, 0.5),
    large_place("reconstruction error"): (0.25, 0.25),
    RANKED: (0.5, 0.25),
    lo.agreement_place(10, most=False): (0.75, 0.8),
    lo.agreement_place(10, most=True): (0.25, 0.2),
    lo.map_error_place(lo.BOTH): (0.5, 0.5),
    lo.map_error_place(lo.SQUARED): (0.25, 0.25),
    VALIDATION: (0.01, 0.01),
}


def network(variant="", seed=0, *, kinds=("normal", "novel"), far=(4.0, 5.0)):
    """The rows of a network for which all findings hold, unless `far` says otherwise."""
    given = {"run": "r", "dataset": "MNIST", "method": lo.METHOD, "n": 10}
    values = {**HOLDING, lo.distance_place(10): far}
    return [
        row(**given, **place._asdict(), class_=kind, variant=variant, seed=seed, value=value)
        for place, both in values.items()
        for kind, value in zip(("normal", "novel"), both, strict=True)
        if kind in kinds
    ]


def counted(*networks, base=""):
    source = Source(frame([line for each in networks for line in each]), "MNIST", base)
    return survey.held(source, [10], first="0-4")


def test_a_finding_must_hold_for_each_kind():
    counts = counted(network(), network(seed=1, far=(4.0, 3.0)))  # novel images: not above 3
    assert len(counts) == 6
    assert counts.loc[FAR, "on 0-4"].tolist() == [1, 2]
    assert counts.loc[FEW, "on 0-4"].tolist() == [2, 2]
    assert counts.loc[AGREE, "on 0-4"].tolist() == [2, 2]


def test_findings_about_the_gap_need_both_kinds():
    counts = counted(network("arm=0-9", kinds=["normal"]))
    assert set(counts.index) == {
        ("1: more large values in saliency", "on 0-9"),
        (FEW, "on 0-9"),
        (FAR, "on 0-9"),
        ("6: squared saliency is closer to the error", "on 0-9"),
    }


@pytest.mark.parametrize(
    ("variant", "group"),
    [
        ("", "on 0-4"),
        ("arm=5-9", "on 5-9"),
        ("lr=0.1", "other rate or noise"),
        ("arm=5-9;noise=0.2", "other rate or noise"),
        ("epochs_shown=5;lr=0.1", "earlier epochs"),
        ("epochs_shown=1", None),
        ("epochs_shown=20", "earlier epochs"),
        ("transform=squared", None),
    ],
)
def test_networks_are_grouped_by_what_is_set(variant, group):
    counts = counted(network(variant), network("arm=7"))
    groups = set(counts.index.get_level_values("group")) - {"on 7"}
    assert groups == ({group} if group else set())


def test_the_last_epoch_is_no_earlier_one():
    # of that epoch the history holds no error: it stands with the finished network
    shown = [line for line in network("epochs_shown=20") if line["table"] != VALIDATION.table]
    counts = counted(network(), network("epochs_shown=10"), shown)
    assert (
        counts.loc[FAR, "on 0-4"].tolist() == counts.loc[FAR, "earlier epochs"].tolist() == [1, 1]
    )


def test_what_the_base_has_is_not_another_setting():
    counts = counted(network("lr=0.1"), network("arm=5-9;lr=0.1"), base="lr=0.1")
    assert set(counts.index.get_level_values("group")) == {"on 0-4", "on 5-9"}


def test_counts_as_texts_and_over_the_groups_that_are_shown():
    counts = counted(network(), network("arm=5-9", far=(1.0, 1.0)), network("arm=7", seed=1))
    groups = ["on 5-9", "on 0-4", "earlier epochs"]
    table = survey.held_texts(counts, groups)
    assert list(table.columns) == ["on 5-9", "on 0-4"]
    assert list(table.index) == sorted(table.index) and len(table) == 6
    assert table.loc[FAR].tolist() == ["0 of 1", "1 of 1"]
    held = survey.held_in_all(counts, groups)
    assert list(held) == list(table.index)
    assert held[FAR] == (1, 2) and held[FEW] == (2, 2)
    assert survey.held_in_all(counts, ["on 9"])[FAR] == (0, 0)


def test_a_finding_without_a_case_in_a_group_has_an_empty_cell():
    counts = counted(network(), network("arm=0-9", kinds=["normal"]))
    table = survey.held_texts(counts, ["on 0-4", "on 0-9"])
    assert table.loc[AGREE].tolist() == ["1 of 1", ""]
