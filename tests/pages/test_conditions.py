"""Lines of the page on abnormal conditions: each at its place, and the right ones in words."""

import pandas as pd

from lib.pages import conditions as page
from lib.pages.gradcon import GRADCON
from lib.pages.gradcon_places import variants
from lib.results import frame, row, variant

LINES = page.lines(variants({}))


def cell(value, line="CAE recon", condition="rain", *, level=None, places=LINES, **more):
    method, score, setting = places[line]
    cells = {"run": "r", "table": page.TABLE, "dataset": "S", "metric": "AUROC", "n": 4, "seed": 0}
    setting = setting if level is None else setting | {"level": level}
    place = {"method": method, "score": score, "class_": page.cell_of(condition)}
    return row(**(cells | place | {"variant": variant(**setting), "value": value} | more))


def test_settings_stand_only_where_they_have_a_part():
    found = page.lines(variants({"alpha": 0.5, "beta": 2.0, "lr": 0.01}))
    assert found["CAE recon"] == ("CAE", "recon", {"lr": 0.01})
    assert found["CAE grad"] == ("CAE+Grad", "grad", {"alpha": 0, "lr": 0.01})
    assert found["CAE+Grad grad"] == ("CAE+Grad", "grad", {"alpha": 0.5, "lr": 0.01})
    assert found["GradCon"][:2] == ("GradCon", GRADCON)
    assert found["GradCon"][2] == {"alpha": 0.5, "beta": 2.0, "lr": 0.01}
    assert len({str(place) for place in found.values()}) == len(found) == 9


def test_means_are_over_seeds_and_leave_levels_and_other_sets_out():
    rows = frame(
        [
            cell(0.5),
            cell(0.7, seed=1),
            cell(0.1, level=5),
            cell(0.2, condition="snow"),
            cell(0.9, "CAE grad"),
            cell(0.3, "CAE+Grad grad"),
            cell(0.0, class_="average"),
            cell(0.0, dataset="other"),
            cell(0.0, table="other"),
        ]
    )
    found = page.means(rows, "S", LINES)
    assert list(found.index) == list(LINES) and list(found) == ["rain", "snow"]
    assert found.loc["CAE recon"].tolist() == [0.6, 0.2]
    assert found["rain"][["CAE grad", "CAE+Grad grad"]].tolist() == [0.9, 0.3]
    assert found.loc["GradCon"].isna().all()
    assert page.means(frame([]), "S", LINES).size == 0


def test_a_curve_has_the_levels_of_its_own_line():
    rows = frame(
        [
            cell(0.7, level=3),
            cell(0.6, level=1),
            cell(0.5),  # the mean over levels
            cell(0.1, level=1, condition="snow"),
            cell(0.2, "CAE+Grad recon", level=1),
            cell(0.9, level=1, places=page.lines(variants({"lr": 0.01}))),
        ]
    )
    found = page.level_curve(rows, LINES["CAE recon"], "rain")
    assert found[["level", "value"]].to_numpy().tolist() == [[1, 0.6], [3, 0.7]]
    slow = page.lines(variants({"lr": 0.01}))["CAE recon"]
    assert page.level_curve(rows, slow, "rain")["value"].tolist() == [0.9]
    assert page.level_curve(rows, LINES["GradCon"], "rain").empty


def table(**lines):
    """`means` under two conditions; 0.5 where no line is given."""
    values = {line: [0.5, 0.5] for line in LINES} | lines
    return pd.DataFrame.from_dict(values, orient="index", columns=["rain", "snow"])


def test_the_summary_holds_the_means_over_conditions():
    given = {"CAE+Grad grad": [0.6, 0.8], "CAE recon": [0.1, 0.3], "untrained grad": [0.2, 0.2]}
    words = page.summary(table(**given), "Here")
    assert words.startswith("Here the gradient score has a mean AUROC of 0.700 over 2 conditions")
    assert "autoencoder 0.200, both combined 0.500; the gradient of an untrained network 0.200" in (
        words
    )


def test_conditions_below_one_half_are_named_by_score():
    given = {"CAE+Grad grad": [0.5, 0.8], "CAE recon": [0.1, 0.3]}
    assert page.weak(table(**given), "Here") == (
        "Here the reconstruction error ranks rain, snow as more normal than clean; the gradient "
        "ranks none of them as more normal than clean images."
    )
