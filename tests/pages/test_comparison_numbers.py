"""The comparison's numbers over several rows, on few planted rows."""

import numpy as np
import pandas as pd
import pytest

from lib.pages import comparison as cm
from lib.pages import comparison_words
from lib.results import frame, row


def planted(method, class_, value, *, seed=0, variant="", **more):
    given = {"table": "sota-auroc", "dataset": "MNIST", "metric": "AUROC", "n": 4} | more
    names = {"method": method, "class_": class_, "seed": seed, "variant": variant}
    return row(run="planted", value=value, **names, **given)


ROWS = frame(
    [
        *(planted("KDE", c, v) for c, v in (("1", 0.5), ("4", 0.75))),
        *(planted("KDE", c, v, variant="test=full") for c, v in (("1", 0.75), ("4", 0.5))),
        *(planted("GradCon", c, v) for c, v in (("1", 0.25), ("4", 1.0))),
        *(planted("GradCon", c, v, variant="test=full") for c, v in (("1", 0.25), ("4", 0.75))),
        # another seed than the others have: it must not enter any mean
        *(planted("GradCon", c, 0.0, seed=1, variant=v) for c in "14" for v in ("", "test=full")),
        planted("LSA", "4", 0.5),
        planted("LSA", "4", 0.625, variant="test=full"),
        planted("KDE", "average", 0.625),
    ]
)


def test_only_seeds_that_all_methods_have_are_averaged():
    found = cm.auroc_by_class(ROWS, "MNIST")
    assert found.attrs["seeds"] == [0]
    assert found.loc["GradCon"].to_dict() == {"1": 0.25, "4": 1.0}
    assert np.isnan(found.loc["LSA", "1"]) and set(found.columns) == {"1", "4"}


def test_without_a_shared_seed_there_is_nothing_to_compare():
    apart = frame([planted("KDE", "1", 0.5), planted("GradCon", "1", 0.5, seed=1)])
    assert cm.auroc_by_class(apart, "MNIST").empty
    assert cm.both_draws(apart, "MNIST").empty


def test_a_mean_over_few_classes_says_so_and_has_gradcon_on_the_same():
    found = cm.both_draws(ROWS, "MNIST")
    assert found["classes"].to_dict() == {"KDE": "2", "GradCon": "2", "LSA": "1"}
    assert found["balanced draw"].to_dict() == {"KDE": 0.625, "GradCon": 0.625, "LSA": 0.5}
    assert found["all test images"].to_dict() == {"KDE": 0.625, "GradCon": 0.5, "LSA": 0.625}
    # (0.25 + 0.75) / 2 over both classes; 0.75 on LSA's only one
    assert found["GradCon on these"].to_dict() == {"KDE": 0.5, "GradCon": 0.5, "LSA": 0.75}
    # KDE: (0.25 - 0.25) / 2; GradCon: (0 - 0.25) / 2; LSA: 0.125
    assert found["difference"].to_dict() == {"KDE": 0.0, "GradCon": -0.125, "LSA": 0.125}
    assert found["largest of a class"].to_dict() == {"KDE": 0.25, "GradCon": 0.25, "LSA": 0.125}


def test_printed_rows_are_held_against_ours_class_by_class():
    classes = ("1", "4", "7", "8")

    def line(method, values, **more):
        return [planted(method, c, v, **more) for c, v in zip(classes, values, strict=False)]

    full = {"variant": "test=full"}
    rows = [
        *line("KDE", (0.6, 0.7, 0.8, 0.9), **full),
        *line("KDE", (0.1, 0.1, 0.1, 0.1)),  # the balanced draw is not asked
        *line("OCSVM (chosen)", (0.5, 0.6, 0.7, 0.9), **full),
        *line("VAE", (0.5, 0.6, 0.7), **full),  # a class is lacking
        *line("DAE", (0.5, 0.5, 0.5, 0.5), **full),  # no correlation
        *line("distance to mean", (0.5, 0.6, 0.7, 0.8), **full),  # not printed
    ]
    names = ("KDE", "OCSVM", "VAE", "DAE")
    printed = frame(row for name in names for row in line(name, (0.5, 0.6, 0.7, 0.8)))
    found = cm.beside_printed(frame(rows), printed, "MNIST")
    # OCSVM is off by 0.1 on one class of four, KDE on each
    assert found.index.tolist() == ["OCSVM (chosen)", "KDE"]
    assert found["difference by class"].tolist() == pytest.approx(
        [0.025, 0.1], abs=1e-12
    )  # float64
    assert found.loc["KDE", ["printed", "ours"]].tolist() == pytest.approx([0.65, 0.75], abs=1e-12)
    assert found.loc["KDE", "r"] == "1.00 [1.00, 1.00]"
    words = comparison_words.nearest_printed(found, "MNIST")
    assert words.endswith("a class: OCSVM (chosen) (0.025), KDE (0.100).")
    nothing = cm.beside_printed(frame(rows), printed, "CIFAR-10")
    assert nothing.empty and comparison_words.nearest_printed(nothing, "CIFAR-10") == ""


def test_times_are_set_out_by_seed_with_the_form_in_brackets():
    timed = {"table": "inference-time", "dataset": "", "metric": "ms per image"}
    rows = frame(
        [
            planted("GPND", "", 4.0, **timed),
            planted("GPND", "", 6.0, seed=1, **timed),
            planted("LSA", "", 2.0, variant="channels=3;form=without estimator", **timed),
        ]
    )
    found = cm.timed_rows(rows)
    assert found["GPND"].to_dict() == {0: 4.0, 1: 6.0}
    assert found["LSA (without estimator)"].dropna().to_dict() == {0: 2.0}
    assert cm.timed_rows(rows.iloc[:0]).empty


@pytest.mark.parametrize("ranked", [True, False])
def test_networks_are_matched_with_their_ranking(ranked):
    drawn = {"table": "training", "metric": "explained variance"}
    rows = [
        planted("CAE+Grad", "1", -0.5, **drawn),
        planted("CAE+Grad", "1", 0.5, seed=1, **drawn),
        planted("CAE", "1", 0.75, **drawn),
        *([planted("GradCon", "1", 0.25, seed=1)] if ranked else []),
    ]
    found = cm.drawn_and_ranked(frame(rows), "MNIST")
    want = {"explained": [-0.5, 0.5], "auroc": [np.nan, 0.25 if ranked else np.nan]}
    pd.testing.assert_frame_equal(found.reset_index(drop=True), pd.DataFrame(want))


def test_a_form_is_a_line_of_its_own_and_settings_can_be_set_aside():
    rows = frame(
        [
            planted("LSA", "1", 0.5, variant="form=alone;test=full"),
            planted("GradCon", "1", 0.5, variant="arm=comparison;lr=0.1"),
            planted("GradCon", "", 1.0, table="model-size"),
        ]
    )
    found = cm.lines_of(rows, "arm")
    assert list(found["method"]) == ["LSA (alone)", "GradCon"]
    assert list(found["variant"]) == ["test=full", "lr=0.1"]
    assert list(rows["method"]) == ["LSA", "GradCon", "GradCon"]  # not changed in place


def test_a_curve_over_shares_ascends_and_takes_the_document_s_setting_only():
    shares = {"table": "fashion-mnist", "metric": "F1"}
    rows = frame(
        [
            planted("GradCon", "outliers=50%", 0.5, **shares),
            planted("GradCon", "outliers=50%", 1.0, seed=1, **shares),
            planted("GradCon", "outliers=10%", 0.25, **shares),
            planted("GradCon", "outliers=10%", 0.0, variant="split=classes 1", **shares),
        ]
    )
    found = cm.share_curve(rows, "MNIST", "GradCon", "F1")
    assert found.to_dict() == {10.0: 0.25, 50.0: 0.75} and list(found.index) == [10.0, 50.0]
    printed = cm.share_curve(rows.iloc[:1].drop(columns="variant"), "MNIST", "GradCon", "F1")
    assert printed.to_dict() == {50.0: 0.5}
