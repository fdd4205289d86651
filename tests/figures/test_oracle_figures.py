"""The oracle's figures: each number they were given is where it belongs."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from lib.figures import oracle as drawn


def axes_of(count=1):
    return list(plt.subplots(1, count, squeeze=False)[1][0])


def lines_of(axis):
    return {line.get_label(): line for line in axis.get_lines()}


def test_bars_have_their_means_numbers_and_finite_errors():
    (axis,) = axes_of()
    published = pd.DataFrame({"method": ["b", "a"], "value": [0.5, 0.6]})
    ours = pd.DataFrame({"method": ["b", "a", "b", "a"], "value": [0.7, 0.9, 0.7, 0.8]})
    rows = {"published": published, "reference": ours.iloc[:0], "this build": ours}
    drawn.step_bars(axis, rows, title="CIFAR-10")
    patches = sorted(axis.patches, key=lambda patch: patch.get_x())
    assert [patch.get_height() for patch in patches] == pytest.approx([0.5, 0.7, 0.6, 0.85])
    assert patches[1].get_facecolor() == to_rgba(drawn.LOOK["this build"])
    heights = {text.get_text(): text.get_position()[1] for text in axis.texts}
    assert set(heights) == {"0.500", "0.700", "0.600", "0.850"}
    assert heights["0.600"] == pytest.approx(0.606)  # one value has no error bar
    assert heights["0.850"] == pytest.approx(0.85 + 12.706 * 0.05 + 0.006, abs=1e-3)  # Student, 1
    assert axis.get_title() == "CIFAR-10"


def test_curves_by_labels_leave_out_a_source_without_any():
    (axis,) = axes_of()
    few = pd.DataFrame({"labelled": [10, 100, 10], "value": [0.5, 0.8, 0.7]})
    rows = {"reference": few.iloc[:0], "this build": few}
    drawn.label_curves(axis, rows, {"reference": float("nan"), "this build": 0.55})
    line = lines_of(axis)["this build"]
    assert list(line.get_xdata()) == [10, 100]
    assert list(line.get_ydata()) == pytest.approx([0.6, 0.8])
    assert len(axis.get_lines()) == 2 and set(axis.get_lines()[1].get_ydata()) == {0.55}
    assert len(axis.collections) == 1 and axis.get_xscale() == "log"


def test_left_out_classes_are_points_below_a_diagonal():
    (axis,) = axes_of()
    pairs = pd.DataFrame(
        {
            "left_out": ["cat", "cat", "dog", "dog"],
            "arm": ["seen", "unseen", "unseen", "seen"],
            "seed": 0,
            "value": [0.9, 0.4, 0.6, 0.8],
        }
    )
    drawn.left_out_points(axis, {"reference": pairs.iloc[:0], "this build": pairs})
    (points,) = axis.collections
    assert points.get_offsets().tolist() == [[0.9, 0.4], [0.8, 0.6]]
    assert list(axis.get_lines()[0].get_xdata()) == pytest.approx([0.38, 1])


def test_far_sets_have_a_tick_and_scores_a_marker():
    (axis,) = axes_of()
    rows = [("noise", "max logit", 0.7), ("noise", "max logit", 0.9), ("classes", "forest, 9", 0.5)]
    table = pd.DataFrame(rows, columns=["far", "score", "value"])
    drawn.far_points(axis, {"reference": table.iloc[:0], "this build": table})
    first, second = axis.get_lines()
    assert (first.get_marker(), second.get_marker()) == ("o", "s")
    assert first.get_ydata()[0] == pytest.approx(0.8) and second.get_ydata()[1] == 0.5
    assert second.get_color() == drawn.LOOK["this build"]
    assert second.get_label() == "forest, this build"
    assert [t.get_text() for t in axis.get_xticklabels()] == ["noise", "classes"]


def test_the_course_of_a_training_and_finished_networks():
    columns = ["training loss", "gradient norm", "forest", "max logit", "test accuracy"]
    course = pd.DataFrame(
        [[2.0, 3.0, 0.6, 0.5, 0.3], [1.0, 4.0, 0.7, 0.55, 0.4]], columns=columns, index=[1, 6]
    )
    axes = axes_of(3)
    points = pd.DataFrame({"test accuracy": [0.4, 0.5], "max logit": [0.6, 0.8]})
    drawn.training_course(axes, course, points)
    assert set(lines_of(axes[0])) == {"training loss", "gradient norm"}
    assert list(lines_of(axes[1])["forest"].get_ydata()) == [0.6, 0.7]
    assert list(lines_of(axes[1])["test accuracy"].get_xdata()) == [1, 6]
    both = lines_of(axes[2])
    assert list(both["one training"].get_xdata()) == [0.3, 0.4]
    assert list(both["finished networks"].get_ydata()) == [0.6, 0.8]
