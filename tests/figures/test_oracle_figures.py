"""The oracle's figures: each number they were given is where it belongs."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from lib.figures import oracle as drawn
from lib.metrics import Interval


def axes_of(count=1, lines=1):
    axes = plt.subplots(lines, count, squeeze=False)[1]
    return axes if lines > 1 else list(axes[0])


def lines_of(axis):
    return {line.get_label(): line for line in axis.get_lines()}


@pytest.mark.parametrize("channels", [1, 3])
def test_examples_are_the_first_images_of_their_classes(channels):
    images = np.arange(4 * channels * 4, dtype=np.uint8).reshape(4, channels, 2, 2)
    labels = np.array([1, 0, 1, 2])
    axes = axes_of(2, lines=2)
    groups = {"nominal": (1, 0), "anomalies": (2,)}
    drawn.class_examples(axes, images, labels, groups, ["a", "b", "c"])
    assert [axis.get_title() for axis in axes.flat] == ["b", "a", "c", ""]
    for axis, place in zip(axes.flat, (0, 1, 3), strict=False):
        shown = np.asarray(axis.get_images()[0].get_array())
        wanted = images[place, 0] if channels == 1 else np.moveaxis(images[place], 0, 2)
        assert np.array_equal(shown, wanted)
    assert not axes[1, 1].get_images() and not any(axis.axison for axis in axes.flat)
    assert [line[0].texts[0].get_text() for line in axes] == ["nominal", "anomalies"]


def test_bars_have_their_heights_numbers_and_finite_errors():
    (axis,) = axes_of()
    alone = Interval(0.6, -np.inf, np.inf, 1)
    bars = {"published": [Interval(0.5, 0.5, 0.5, 1), alone]}
    bars["this build"] = [Interval(0.7, 0.6, 0.8, 3), Interval(0.9, 0.85, 0.95, 3)]
    drawn.interval_bars(axis, bars, ["one", "two"], title="CIFAR-10")
    patches = sorted(axis.patches, key=lambda patch: patch.get_x())
    assert [patch.get_height() for patch in patches] == [0.5, 0.7, 0.6, 0.9]
    assert patches[1].get_facecolor() == to_rgba(drawn.LOOK["this build"])
    assert {text.get_text() for text in axis.texts} == {"0.500", "0.600", "0.700", "0.900"}
    heights = {text.get_text(): text.get_position()[1] for text in axis.texts}
    assert heights["0.600"] == pytest.approx(0.606)  # no error bar below it
    assert heights["0.700"] == pytest.approx(0.806)  # above its interval
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["one", "two"]
    assert axis.get_title() == "CIFAR-10"


def test_curves_by_labels_leave_out_a_source_without_any():
    (axis,) = axes_of()
    columns = ["labelled", "mean", "min", "max"]
    few = pd.DataFrame([["10", 0.6, 0.5, 0.7], ["100", 0.8, 0.8, 0.8]], columns=columns)
    curves = {"reference": few.iloc[:0], "this build": few}
    drawn.label_curves(axis, curves, {"reference": float("nan"), "this build": 0.55})
    line = lines_of(axis)["this build"]
    assert list(line.get_xdata()) == [10, 100] and list(line.get_ydata()) == [0.6, 0.8]
    assert len(axis.get_lines()) == 2 and set(axis.get_lines()[1].get_ydata()) == {0.55}
    assert len(axis.collections) == 1 and axis.get_xscale() == "log"


def test_left_out_classes_are_points_below_a_diagonal():
    (axis,) = axes_of()
    pairs = pd.DataFrame({"seen": [0.9, 0.8], "unseen": [0.7, 0.6]})
    drawn.left_out_points(axis, {"reference": pairs.iloc[:0], "this build": pairs})
    (points,) = axis.collections
    assert points.get_offsets().tolist() == [[0.9, 0.7], [0.8, 0.6]]
    assert list(axis.get_lines()[0].get_xdata()) == pytest.approx([0.58, 1])


def test_far_sets_have_a_tick_and_scores_a_marker():
    (axis,) = axes_of()
    columns = {"max logit, reference": [0.7, 0.5], "forest, this build": [0.9, 0.6]}
    drawn.far_points(axis, pd.DataFrame(columns, index=["noise", "anomaly classes"]))
    first, second = axis.get_lines()
    assert (first.get_marker(), second.get_marker()) == ("o", "s")
    assert list(second.get_ydata()) == [0.9, 0.6]
    assert second.get_color() == drawn.LOOK["this build"]
    assert [t.get_text() for t in axis.get_xticklabels()] == ["noise", "anomaly classes"]


def test_courses_of_a_training_and_its_finished_networks():
    over = pd.DataFrame(
        {
            "training loss": [2.0, 1.0],
            "gradient norm": [3.0, 4.0],
            "random forest, 5 trees, on z": [0.6, 0.7],
            "max logit": [0.5, 0.55],
            "test accuracy": [0.3, 0.4],
        },
        index=[1, 6],
    )
    axes = axes_of(3)
    drawn.training_courses(axes, over, pd.DataFrame({"accuracy": [0.4, 0.5], "auc": [0.6, 0.8]}))
    assert set(lines_of(axes[0])) == {"training loss", "gradient norm"}
    assert list(lines_of(axes[1])["forest on z"].get_ydata()) == [0.6, 0.7]
    assert list(lines_of(axes[1])["test accuracy"].get_xdata()) == [1, 6]
    both = lines_of(axes[2])
    assert list(both["one training"].get_xdata()) == [0.3, 0.4]
    assert list(both["finished networks"].get_ydata()) == [0.6, 0.8]
