"""Figures draw what they are given, without warnings and without figures of their own."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from lib.figures import (
    agreement_scatter,
    angle_rose,
    change_lines,
    class_scatter,
    course_curves,
    field_arrows,
    learning_curves,
    map_grid,
    plane_maps,
    reconstruction_grid,
    titled_grid,
    use_style,
)


@pytest.fixture
def panels():
    """`n` axes side by side; checks that a plot opens no other figure."""
    before = plt.get_fignums()
    figures = []

    def make(n=1):
        figure, axes = plt.subplots(1, n, squeeze=False)
        figures.append(figure)
        return list(axes[0])

    yield make
    for figure in figures:
        figure.canvas.draw()  # warnings of the layout come only now
    assert plt.get_fignums() == before + [figure.number for figure in figures]


def test_agreement_has_a_dot_and_an_interval_for_each_number(panels):
    table = {"document": ["a", "b", "a"], "published": [0.5, 0.6, 0.7], "ours": [0.4, 0.6, 0.8]}
    cells = pd.DataFrame(table | {"low": [0.3, 0.5, 0.7], "high": [0.5, 0.7, 0.9]})
    (axis,) = panels()
    agreement_scatter(axis, cells, hue="document")
    dots = {line.get_label(): line.get_xydata().tolist() for line in axis.get_lines()[1:]}
    assert dots == {"a": [[0.5, 0.4], [0.7, 0.8]], "b": [[0.6, 0.6]]}
    first = axis.collections[0].get_segments()
    assert [segment.tolist() for segment in first] == [
        [[0.5, 0.3], [0.5, 0.5]],
        [[0.7, 0.7], [0.7, 0.9]],
    ]


def test_learning_curves(panels):
    histories = {
        "CAE": [{"epoch": 1.0, "train_L": 0.5}, {"epoch": 2.0, "train_L": 0.25}],
        "CAE+Grad": [{"epoch": 1.0, "train_L": 0.75}],
    }
    (axis,) = panels()
    learning_curves(axis, histories, key="train_L", ylabel="loss")
    found = {line.get_label(): [list(v) for v in line.get_data()] for line in axis.get_lines()}
    assert found == {"CAE": [[1, 2], [0.5, 0.25]], "CAE+Grad": [[1], [0.75]]}
    colours = [line.get_color() for line in axis.get_lines()]
    assert colours[0] != colours[1]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("epoch", "loss")


@pytest.mark.parametrize(("n", "channels"), [(1, 1), (4, 3)])
def test_reconstruction_grid(channels, n):
    rng = np.random.default_rng(1)
    images = rng.random((n, channels, 28, 28)).astype(np.float32)
    drawn = rng.random((n, channels, 28, 28)).astype(np.float32)
    figure = plt.figure()
    reconstruction_grid(figure, images, drawn, [f"image {i}" for i in range(n)])
    figure.canvas.draw()
    assert plt.get_fignums() == [figure.number]
    axes = np.array(figure.axes).reshape(3, n)
    for column in range(n):
        shown = [axis.get_images()[0].get_array() for axis in axes[:, column]]
        wanted = [
            x[column, 0] if channels == 1 else np.moveaxis(x[column], 0, -1)
            for x in (images, drawn)
        ]
        assert np.array_equal(shown[0], wanted[0])
        assert np.array_equal(shown[1], wanted[1])
        error = sum((images[column, c] - drawn[column, c]) ** 2 for c in range(channels)) / channels
        assert np.allclose(shown[2], error, atol=1e-6)  # float32 sums of three terms
        assert axes[0, column].get_title() == f"image {column}"
    limits = {axis.get_images()[0].get_clim() for axis in axes[2]}
    assert limits == {(0, np.square(images - drawn).mean(1).max())}  # one scale for all columns
    assert {axis.get_images()[0].get_clim() for axis in axes[:2].flat} == {(0, 1)}


def map_axes(columns, **options):
    """The axes of a grid of maps by row and column, and that it opens no other figure."""
    figure = plt.figure()
    map_grid(figure, columns, **options)
    figure.canvas.draw()  # warnings of the layout come only now
    assert plt.get_fignums() == [figure.number]
    return np.array(figure.axes).reshape(len(options["rows"]), len(columns))


def limits_of(axes):
    return [[axis.get_images()[0].get_clim() for axis in line] for line in axes]


def test_map_grid_shows_every_picture_at_its_place():
    drawn = np.random.default_rng(2).random((2, 3, 28, 28))
    columns = {"image": drawn[0], "saliency": drawn[1]}
    axes = map_axes(columns, rows=["a", "b\nnovel", "c"], grey=["image"])
    for line, word in enumerate(["a", "b\nnovel", "c"]):
        assert [axis.get_ylabel() for axis in axes[line]] == [word, ""]
        for column in range(2):
            shown = axes[line, column].get_images()
            assert len(shown) == 1
            assert np.array_equal(shown[0].get_array(), drawn[column, line])
    assert [axis.get_title() for axis in axes[0]] == ["image", "saliency"]
    assert {axis.get_title() for axis in axes[1:].flat} == {""}
    assert all(len(axis.get_xticks()) == len(axis.get_yticks()) == 0 for axis in axes.flat)


def test_a_common_limit_makes_the_rows_of_a_column_comparable():
    maps = np.zeros((2, 4, 4))
    maps[0, 0, 0], maps[1, 1, 1] = 0.25, 8
    columns = {"own": maps, "common": maps, "image": maps}
    limits = {"common": 2.0, "image": 3.0}
    axes = map_axes(columns, rows=["a", "b"], limits=limits, grey={"image"})
    assert limits_of(axes) == [[(0, 0.25), (0, 2), (0, 1)], [(0, 8), (0, 2), (0, 1)]]


def test_images_are_grey_and_maps_are_not():
    dim = np.full((2, 4, 4), 0.25)
    axes = map_axes({"image": dim, "error": dim}, rows=["a", "b"], grey=("image",))
    for line in axes:
        assert [axis.get_images()[0].get_cmap().name for axis in line] == ["gray", "magma"]
        assert line[0].get_images()[0].get_clim() == (0, 1)  # not stretched to 0.25


def test_a_map_of_zeros_is_black():
    axes = map_axes({"error": np.zeros((1, 4, 4))}, rows=["a"])
    shown = axes[0, 0].get_images()[0]
    assert shown.get_clim() == (0, 1)
    assert shown.norm(0.0) == 0


def test_style_saves_pixels_not_vectors():
    plt.rcParams["savefig.format"] = "svg"
    use_style()
    assert plt.rcParams["savefig.format"] == "png"
    assert plt.rcParams["image.cmap"] == "gray"


def test_course_curves(panels):
    means = pd.DataFrame(
        {
            "line": ["CAE recon"] * 4 + ["CAE+Grad grad"],
            "epoch": [1, 2, 5, 60, 5],
            "value": [0.5, 0.6, 0.7, 0.8, 0.9],
        }
    )
    (axis,) = panels()
    course_curves(axis, means, ylabel="AUROC", colours={"CAE recon": "C0", "CAE+Grad grad": "C1"})
    found = {line.get_label(): [list(v) for v in line.get_data()] for line in axis.get_lines()}
    assert found["CAE recon"] == [[1, 2, 5, 60], [0.5, 0.6, 0.7, 0.8]]
    assert found["CAE+Grad grad"] == [[5], [0.9]]
    assert [text.get_text() for text in axis.get_xticklabels()] == ["1", "5", "60"]
    assert (axis.get_ylabel(), axis.get_xscale()) == ("AUROC", "log")


def test_a_short_course_names_all_its_epochs(panels):
    (axis,) = panels()
    means = pd.DataFrame({"line": "CAE", "epoch": [2, 3], "value": [0.5, 0.6]})
    course_curves(axis, means, ylabel="", colours={"CAE": "C0"})
    assert [text.get_text() for text in axis.get_xticklabels()] == ["2", "3"]


def test_changes_lie_between_base_and_value_with_a_mark_where_there_is_a_number(panels):
    table = pd.DataFrame(
        {
            "what": ["alpha 1", "beta 0"],
            "value": [0.7, 0.5],
            "base": [0.6, 0.6],
            "n": [3, 10],
            "published": [0.66, float("nan")],
        }
    )
    (axis,) = panels()
    looks = {"base": {"color": "black"}, "published": {"color": "C3"}}
    change_lines(axis, table, looks)
    assert [text.get_text() for text in axis.get_yticklabels()] == [
        "alpha 1 (n = 3)",
        "beta 0 (n = 10)",
    ]
    base, published, bars = axis.collections
    assert [len(found.get_segments()) for found in (base, published, bars)] == [2, 1, 2]
    assert published.get_segments()[0].tolist() == [[0.66, -0.5], [0.66, 0.5]]
    assert bars.get_segments()[0].tolist() == [[0.6, 0.0], [0.7, 0.0]]
    assert list(axis.get_lines()[0].get_xdata()) == [0.7, 0.5]
    assert axis.yaxis_inverted()
    (uncounted,) = panels()
    change_lines(uncounted, table.drop(columns="n"), looks)
    assert [text.get_text() for text in uncounted.get_yticklabels()] == ["alpha 1", "beta 0"]


def test_classes_farthest_from_the_diagonal_are_named_inwards(panels):
    [axis] = panels(1)
    table = pd.DataFrame(
        {
            "class": ["plane", "car", "bird"],
            "published": [0.4, 0.5, 0.8],
            "ours": [0.7, 0.51, 0.6],
        },
        index=[7, 3, 5],  # the rows of a longer table
    )
    class_scatter(axis, table, limits=(0.3, 0.9), color="C1")
    dots = axis.get_lines()[-1]
    assert list(dots.get_xdata()) == [0.4, 0.5, 0.8] and dots.get_color() == "C1"
    assert {t.get_text(): (t.xy, t.get_ha()) for t in axis.texts} == {
        "plane": ((0.4, 0.7), "left"),
        "bird": ((0.8, 0.6), "right"),
    }
    assert axis.get_xlim() == axis.get_ylim() == (0.3, 0.9)


def test_angles_stand_in_their_bins():
    figure = plt.figure()
    axis = figure.add_subplot(projection="polar")
    labels = np.array([0, 0, 1, 1])
    cosines = np.array([1.5, 0.0, -1.0, -1.0])  # rounding can pass 1
    angle_rose(axis, labels, cosines, picked=[1, 2], reference="average")
    normal, anomaly = axis.containers
    heights = [[bar.get_height() for bar in bars] for bars in (normal, anomaly)]
    # bins of five degrees: 0 in the first, 90 in the nineteenth, 180 in the last
    assert (heights[0][0], heights[0][18], sum(heights[0])) == (0.5, 0.5, 1)
    assert (heights[1][-1], sum(heights[1])) == (1, 1)
    tips = [note.xy[0] for note in axis.texts]
    assert tips == pytest.approx([np.pi / 2, np.pi, 0])
    labels_shown = [line.get_label() for line in axis.get_lines()]
    assert labels_shown == ["normal", "anomaly", "average"]


def test_a_titled_grid_has_a_line_per_name_and_a_title_per_image():
    pictures = np.random.default_rng(0).random((2, 3, 4, 4)).astype(np.float32)
    figure = plt.figure()
    lines = {name: (pictures[i], [f"{name}{k}" for k in range(3)]) for i, name in enumerate("ab")}
    titled_grid(figure, lines, fontsize=7)
    axes = np.array(figure.axes).reshape(2, 3)
    for i, name in enumerate("ab"):
        assert [axis.get_title() for axis in axes[i]] == [f"{name}{k}" for k in range(3)]
        assert axes[i, 0].get_ylabel() == name
        assert axes[i, 0].yaxis.label.get_fontsize() == 7
        for axis, picture in zip(axes[i], pictures[i], strict=True):
            assert np.array_equal(axis.images[0].get_array(), picture)
            assert axis.images[0].get_clim() == (0, 1)
    figure.canvas.draw()


def test_arrows_point_along_the_field_and_the_longest_are_cut():
    side = np.linspace(-1, 1, 7, dtype=np.float32)
    grid = np.column_stack([axis.ravel() for axis in np.meshgrid(side, side)])
    field = np.column_stack([np.full(49, 3.0), np.zeros(49)])
    field[0] = (0.0, 80.0)
    figure = plt.figure()
    field_arrows(figure, grid, np.exp(-np.square(grid).sum(1)), {"a": field, "b": -field})
    first, second = figure.axes
    assert [first.get_title(), second.get_title()] == ["a", "b"]
    (arrows,) = (artist for artist in first.collections if hasattr(artist, "U"))
    assert (arrows.X[0], arrows.Y[0]) == (-1, -1) and len(arrows.X) == 9  # every third of seven
    assert (arrows.U[0], arrows.V[0]) == (0, 8)
    assert set(arrows.U[1:]) == {3.0} and not arrows.V[1:].any()
    figure.canvas.draw()


def test_maps_of_the_plane_have_y_upwards():
    values = np.zeros((3, 3))
    values[0, 2] = 1.0  # the lowest y, the highest x
    figure = plt.figure()
    names = ["a", "b", "c", "d"]
    plane_maps(figure, {name: values.ravel() for name in names}, extent=(-2, 2, -2, 2), columns=2)
    axes = figure.axes[:4]
    assert [axis.get_title() for axis in axes] == names
    (picture,) = axes[0].images
    assert picture.origin == "lower" and picture.get_extent() == [-2, 2, -2, 2]
    assert picture.get_clim() == (0, 1) and picture.get_array()[0, 2] == 1
    figure.canvas.draw()
