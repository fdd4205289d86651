"""Single classes beside the printed ones: paired by name, and no conclusion without grounds."""

import pandas as pd
import pytest

from lib.metrics import pearson_interval
from lib.pages import gradcon_classes as told
from lib.pages.gradcon import GRADCON, OTHER_ERROR
from lib.results import frame, published, reference_rows, row

NAMES = ("plane", "car", "bird", "cat", "deer")
UP, DOWN, BENT = (0.5, 0.6, 0.7, 0.8, 0.9), (0.9, 0.8, 0.7, 0.6, 0.5), (0.5, 0.6, 0.7, 0.9, 0.8)
OPEN = (0.9, 0.6, 0.7, 0.8, 0.5)
WITH_ERRORS = {"VAE recon": UP, "VAE recon, cross-entropy": DOWN}
WITH_ERRORS |= {"CAE recon": BENT, "CAE recon, cross-entropy": DOWN}


def ours(method, score, values, *, names=NAMES, seed=0, table="baseline-auroc", variant=""):
    cells = {"run": "r", "dataset": "CIFAR-10", "metric": "AUROC", "n": 10, "seed": seed}
    return [
        row(**cells, table=table, method=method, score=score, variant=variant, class_=c, value=v)
        for c, v in zip(names, values, strict=True)
    ]


def printed(method, score, values, table="baseline-auroc", dataset="CIFAR-10"):
    named = zip((*NAMES, "average"), (*values, 0.5), strict=True)
    keys = {"table": table, "dataset": dataset, "metric": "AUROC", "method": method}
    return pd.DataFrame([keys | {"score": score, "class": c, "value": v} for c, v in named])


def beside(lines):
    """`beside_printed` where UP is printed for every line."""
    parts = [
        pd.DataFrame({"line": line, "class": NAMES, "published": UP, "ours": values})
        for line, values in lines.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_classes_are_paired_by_name_over_seeds_in_the_own_setting():
    rows = frame(
        [
            *ours("CAE", "recon", DOWN, names=NAMES[::-1]),
            *ours("CAE", "recon", [0.7] * 4, names=NAMES[:4], seed=1),
            *ours("CAE", "recon", UP, variant="lr=0.01"),
        ]
    )
    found = told.beside_printed(rows, printed("CAE", "recon", UP), "CIFAR-10")
    wanted = pd.DataFrame({"line": "CAE recon", "class": NAMES, "published": UP})
    # the mean of its own value and 0.7, and deer of the first seed alone
    wanted["ours"] = [0.6, 0.65, 0.7, 0.75, 0.9]
    pd.testing.assert_frame_equal(found, wanted)


def test_recon_stands_beside_the_other_error_and_the_entropy():
    rows = frame(
        [
            *ours("VAE", "recon", UP),
            *ours("VAE", "cross-entropy", DOWN, table=OTHER_ERROR),
            *ours("pixel entropy", "", BENT, table=OTHER_ERROR),
            *ours("VAE", "latent", UP),
            *ours("GradCon", GRADCON, UP, table="sota-auroc"),
            *ours("VAE", "", UP, table="sota-auroc"),
        ]
    )
    document = pd.concat(
        [
            printed("VAE", "recon", UP),
            printed("VAE", "latent", BENT),
            printed("VAE", "", UP, table="sota-auroc"),  # another protocol's, on its own page
            printed("GradCon", GRADCON, UP, table="sota-auroc"),
            printed("VAE", "recon", DOWN, dataset="MNIST"),
        ]
    )
    found = told.beside_printed(rows, document, "CIFAR-10")
    assert list(found["line"].unique()) == [
        "VAE recon",
        "VAE recon, cross-entropy",
        "VAE recon, pixel entropy",
        "VAE latent",
        "GradCon",
    ]
    crossed = found[found["line"] == "VAE recon, cross-entropy"]
    assert crossed["published"].tolist() == list(UP) and crossed["ours"].tolist() == list(DOWN)


def test_too_few_classes_are_no_line():
    few = frame(ours("CAE", "recon", UP[:3], names=NAMES[:3]))
    for rows in (few, frame([])):
        found = told.beside_printed(rows, printed("CAE", "recon", UP), "CIFAR-10")
        assert found.empty and list(found) == ["line", "class", "published", "ours"]
        assert told.followed(found) == {}
        assert "no reference runs" in told.followed_words(told.followed(found))


def test_correlations_are_told_by_sign_highest_first_without_other_errors():
    lines = {"VAE recon": DOWN, "CAE recon": BENT, "VAE recon, cross-entropy": UP}
    lines |= {"CAE+Grad recon": UP, "VAE+Grad recon": OPEN}
    found = told.followed(beside(lines | {"flat": (0.5,) * 5}))
    assert list(found) == list(lines)
    assert found["CAE recon"].r == pearson_interval(UP, BENT)
    # both means of 0.5 to 0.9; two exchanged neighbours: r = 1 - 2 * 0.1^2 / 0.1 / 2 = 0.9
    assert found["CAE recon"][1:] == pytest.approx((0.7, 0.7), abs=1e-12)  # float64
    words = told.followed_words(found)
    # OPEN exchanges the outer ones: r = 1 - 2 * 0.4^2 / 0.1 / 2 = -0.6, of five numbers
    assert words.endswith(
        "interval, above zero for CAE+Grad recon (1.00), CAE recon (0.90); below zero for VAE "
        "recon (-1.00); of open sign for VAE+Grad recon (-0.60)."
    )
    only = told.followed_words({"CAE recon": found["CAE recon"]})
    assert only.endswith("interval, above zero for CAE recon (0.90).")


@pytest.mark.parametrize(
    ("squared", "crossed", "concluded"), [(DOWN, UP, True), (UP, UP, False), (UP, DOWN, False)]
)
def test_cross_entropy_is_only_concluded_from_intervals_apart(squared, crossed, concluded):
    lines = WITH_ERRORS | {"VAE recon": squared, "VAE recon, cross-entropy": crossed}
    found = told.followed(beside(lines))
    words, short = told.error_words(found), told.error_found(found)
    r = 1 if squared == UP else -1
    assert f"correlation of {r:.2f} with the squared error" in words
    assert f"and of {r:.2f} with their squared error" in short
    assert ("in all likelihood" in words) == concluded == ("compares two kinds" in short)
    without = {line: one for line, one in found.items() if line != "CAE recon, cross-entropy"}
    assert told.error_words(without) == told.error_found(without) == told.NOT_YET


def test_the_entropy_is_told_where_it_was_measured():
    found = told.followed(beside(WITH_ERRORS | {"VAE recon, pixel entropy": DOWN}))
    assert "correlation of -1.00 with the VAE's" in told.entropy_words(found)
    assert told.entropy_words({}) == ""


def test_both_errors_stand_in_one_table():
    rows = [
        *ours("CAE", "recon", BENT),
        *ours("CAE", "recon", UP, seed=1),
        *ours("CAE", "cross-entropy", DOWN, table=OTHER_ERROR),
        *ours("VAE", "cross-entropy", UP, names=NAMES, table=OTHER_ERROR),
        *ours("pixel entropy", "", UP, table=OTHER_ERROR),
    ]
    averages = [
        row(
            **{k: v for k, v in r.items() if k not in ("class", "value")},
            class_="average",
            value=0.7,
        )
        for r in rows[::5]
    ]
    found = told.followed(beside(WITH_ERRORS))
    table = told.error_table(frame(rows + averages), found, "CIFAR-10").set_index("network")
    assert list(table.index) == ["CAE", "VAE", "pixel entropy"]
    # two seeds with one value: a half width of 0
    assert table.loc["CAE"].tolist() == [
        *("0.700", "0.700 ± 0.000", "0.90 [0.09, 0.99]"),
        *("0.700", "-1.00 [-1.00, -1.00]"),
    ]
    assert table.loc["VAE"].tolist() == ["0.700", "", "", "0.700", "-1.00 [-1.00, -1.00]"]
    assert table.loc["pixel entropy"].tolist() == ["", "", "", "0.700", ""]
    assert told.error_table(frame([]), found, "CIFAR-10").empty


def test_every_printed_line_finds_the_committed_rows():
    found = told.beside_printed(reference_rows(), published("gradcon-slides"), "CIFAR-10")
    networks = ("CAE", "CAE+Grad", "VAE", "VAE+Grad")
    assert set(found["line"]) == {
        *(f"{name} recon" for name in networks),
        *(f"{name} recon, cross-entropy" for name in networks),
        *("VAE recon, pixel entropy", "VAE latent", "VAE+Grad latent"),
        *("CAE+Grad grad", "VAE+Grad grad", "GradCon"),
    }
    assert set(found.groupby("line").size()) == {10}
