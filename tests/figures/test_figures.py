"""Figures draw what they are given, without warnings and without figures of their own."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from lib.figures import (
    COLOURS,
    learning_curves,
    reconstruction_grid,
    roc_curves,
    score_histograms,
    use_style,
)
from lib.metrics import auroc


@pytest.fixture(autouse=True)
def canvas():
    """No window, the project's style, and everything put back afterwards."""
    backend = matplotlib.get_backend()
    matplotlib.use("Agg")
    with matplotlib.rc_context():
        use_style()
        yield
    plt.close("all")
    matplotlib.use(backend)


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


@pytest.fixture
def ranked():
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    return labels, {"recon": rng.normal(size=40) + labels, "grad": rng.normal(size=40)}


def test_histogram_titles_carry_the_auroc(panels, ranked):
    labels, scores = ranked
    axes = panels(2)
    score_histograms(axes, labels, scores)
    for axis, (name, values) in zip(axes, scores.items(), strict=True):
        assert axis.get_title() == f"{name}: AUROC {auroc(labels, values):.3f}"
        assert axis.get_xlabel() == "anomaly score"
    legend = [text.get_text() for text in axes[0].get_legend().get_texts()]
    assert legend == ["normal", "anomaly"]


def test_histogram_counts_every_image_under_its_colour(panels):
    (axis,) = panels()
    labels = np.array([0, 0, 0, 1, 1])
    score_histograms([axis], labels, {"recon": np.array([0.0, 0.0, 3.0, 3.0, 3.0])})
    assert axis.get_title() == "recon: AUROC 0.833"  # wins: 2 of 3, tie with the third: 2.5 / 3
    normal, anomaly = axis.containers
    assert [sum(bar.get_height() for bar in bars) for bars in (normal, anomaly)] == [3, 2]
    assert (normal[0].get_height(), normal[-1].get_height()) == (2, 1)
    assert anomaly[-1].get_height() == 2
    assert normal[0].get_facecolor()[:3] == pytest.approx(COLOURS["normal"])
    assert anomaly[0].get_facecolor()[:3] == pytest.approx(COLOURS["anomaly"])


def test_histogram_of_equal_scores(panels):
    score_histograms(panels(), np.array([0, 1, 1]), {"grad": np.zeros(3)})


def test_histograms_need_a_panel_each(panels, ranked):
    with pytest.raises(ValueError):
        score_histograms(panels(1), *ranked)


def test_roc_curves(panels, ranked):
    labels, scores = ranked
    (axis,) = panels()
    roc_curves(axis, labels, scores, title="digit 3")
    assert axis.get_title() == "digit 3"
    *curves, diagonal = axis.get_lines()
    assert [curve.get_label() for curve in curves] == ["recon", "grad"]
    for curve, values in zip(curves, scores.values(), strict=True):
        x, y = curve.get_data()
        # the area below the drawn line, by trapezoids; float64 sums of forty terms
        assert np.trapezoid(y, x) == pytest.approx(auroc(labels, values), abs=1e-12)
    assert [list(values) for values in diagonal.get_data()] == [[0, 1], [0, 1]]


def test_roc_curves_of_scores_without_a_colour_of_their_own(panels, ranked):
    labels, scores = ranked
    roc_curves(panels()[0], labels, {"layer=1": scores["grad"]}, title="")


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


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("n", [1, 4])
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


def test_reconstruction_grid_of_a_perfect_network():
    images = np.ones((2, 1, 28, 28), np.float32)
    figure = plt.figure()
    reconstruction_grid(figure, images, images, ["a", "b"])
    figure.canvas.draw()


def test_colours_of_meanings_differ():
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_style_saves_pixels_not_vectors():
    plt.rcParams["savefig.format"] = "svg"
    use_style()
    assert plt.rcParams["savefig.format"] == "png"
    assert plt.rcParams["image.cmap"] == "gray"
