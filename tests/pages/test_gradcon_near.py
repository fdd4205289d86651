"""The setting nearest to printed classes: one change at a time, all classes, our own beside it."""

import pandas as pd
import pytest

from lib.metrics import pearson_interval
from lib.pages import gradcon_near as near
from lib.pages.gradcon import GRADCON
from lib.results import frame, row

NAMES = ("plane", "car", "bird", "cat", "deer")
UP, DOWN, BENT = (0.5, 0.6, 0.7, 0.8, 0.9), (0.9, 0.8, 0.7, 0.6, 0.5), (0.5, 0.6, 0.7, 0.9, 0.8)


def gradcon(values, variant="", names=NAMES):
    cells = {"run": "r", "dataset": "CIFAR-10", "metric": "AUROC", "n": 10, "seed": 0}
    cells |= {"table": "sota-auroc", "method": "GradCon", "score": GRADCON, "variant": variant}
    return [row(**cells, class_=c, value=v) for c, v in zip(names, values, strict=True)]


def test_settings_stand_nearest_first_one_change_at_a_time():
    rows = frame(
        [
            *gradcon(BENT),
            *gradcon(UP, "beta=0.03"),
            *gradcon(DOWN, "lr=0.01"),
            *gradcon(UP, "alpha=0;beta=0.03"),  # two changes
            *gradcon(UP, "epochs_shown=5"),  # a point of a curve
            *gradcon(UP[:4], "selection=last", names=NAMES[:4]),  # not all classes
            *gradcon([0.5] * 5, "epochs=2"),  # no correlation: all alike
        ]
    )
    found = near.near_settings(rows, pd.Series(UP, index=NAMES), "CIFAR-10")
    assert [one.what for one in found] == [
        "weight in the score 0.03",
        "our own setting",
        "learning rate 0.01",
    ]
    # two classes 0.1 apart; differences of 0.4, 0.2, 0, 0.2 and 0.4
    wanted = pytest.approx([0, 0.2 / 5, 1.2 / 5], abs=1e-12)  # float64
    assert [one.difference for one in found] == wanted
    assert found[1].r == pearson_interval(UP, BENT) and found[1].mean == pytest.approx(0.7)
    assert near.near_settings(rows, pd.Series(UP, index=NAMES), "MNIST") == []


def test_the_nearest_setting_is_told_beside_our_own():
    rows = frame([*gradcon(BENT), *gradcon(UP, "beta=0.03"), *gradcon(DOWN, "lr=0.01")])
    sources = {"one": UP, "two": BENT}
    found = {
        name: near.near_settings(rows, pd.Series(values, index=NAMES), "CIFAR-10")
        for name, values in sources.items()
    }
    words = near.near_words(found)
    assert words.startswith("Of 3 settings") and "learning rate" not in words
    assert "to one weight in the score 0.03 (difference 0.000, r 1.00" in words
    assert "our own setting (difference 0.040, r 0.90 [0.09, 0.99], mean 0.700); to two" in words
    assert words.count("our own setting") == 2  # nearest to the second, and told once
    alone = {"one": found["one"][1:2]}
    assert near.near_words(alone) == near.near_words({"one": []}) == near.near_words({})
