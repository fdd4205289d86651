"""The ill-suited similarities by hand, against slow twins, and under scaling and shifts."""

import math

import numpy as np
import pytest
from scipy import stats

from lib.errors import BadInput
from lib.metrics import gradient_histograms, histogram_correlation, spearman, ssim

ROUNDING = 1e-12  # float64 sums of at most a few hundred terms


def drawn(seed, n=6, h=9, w=11, levels=None):
    rng = np.random.default_rng(seed)
    if levels is None:
        return rng.random((2, n, h, w))
    return rng.integers(levels, size=(2, n, h, w)) / levels


def near(values):
    return pytest.approx(np.asarray(values).tolist(), abs=ROUNDING)


def test_spearman_by_hand():
    # ranks 1 2 3 4 against 1 3 2 4: 1 - 6·(0 + 1 + 1 + 0) / (4·15)
    found = spearman([[[0.1, 0.2], [0.3, 0.9]]], [[[5, 7], [6, 80]]])
    assert found.tolist() == near([1 - 12 / 60])
    assert spearman([[[-3, -1, 2]]], [[[3, 1, 0]]]).tolist() == near([-1])


def test_spearman_equals_scipys():
    a, b = drawn(1, levels=3) - 0.4
    wanted = [stats.spearmanr(x.ravel(), y.ravel())[0] for x, y in zip(a, b, strict=True)]
    assert spearman(a, b).tolist() == near(wanted)


def slow_ssim(x, y, window, data_range=1.0):
    """The formula, window by window."""
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    found = []
    for r in range(x.shape[0] - window + 1):
        for c in range(x.shape[1] - window + 1):
            p, q = (m[r : r + window, c : c + window].ravel() for m in (x, y))
            (vp, vpq), (_, vq) = np.cov(p, q)
            light = (2 * p.mean() * q.mean() + c1) / (p.mean() ** 2 + q.mean() ** 2 + c1)
            found.append(light * (2 * vpq + c2) / (vp + vq + c2))
    return np.mean(found)


@pytest.mark.parametrize(("window", "data_range"), [(3, 1.0), (7, 255.0)])
def test_ssim_equals_its_formula(window, data_range):
    a, b = drawn(3) * data_range
    found = ssim(a, b, window=window, data_range=data_range)
    wanted = [slow_ssim(x, y, window, data_range) for x, y in zip(a, b, strict=True)]
    assert found.tolist() == near(wanted)
    assert ssim(b, a, window=window, data_range=data_range).tolist() == near(wanted)


def test_ssim_by_hand():
    # one window of constants: variances 0, so only the means count
    bright, dark = np.full((1, 3, 3), 0.8), np.full((1, 3, 3), 0.2)
    light = (2 * 0.8 * 0.2 + 1e-4) / (0.64 + 0.04 + 1e-4)
    assert ssim(bright, dark, window=3).tolist() == near([light])
    # one lit pixel of nine at opposite corners: means 1/9, variances 1/9, covariance -1/72
    a, b = np.zeros((2, 1, 3, 3))
    a[0, 0, 0] = b[0, 2, 2] = 1
    assert ssim(a, b, window=3).tolist() == near([(-2 / 72 + 9e-4) / (2 / 9 + 9e-4)])
    assert ssim(a, a, window=3).tolist() == near([1])


def slow_histograms(m, cell, bins):
    """Pixel by pixel, with one-sided differences at the border."""
    h, w = m.shape
    found = np.zeros((math.ceil(h / cell), math.ceil(w / cell), bins))
    for r in range(h):
        for c in range(w):
            up, low = max(r - 1, 0), min(r + 1, h - 1)
            left, right = max(c - 1, 0), min(c + 1, w - 1)
            dy, dx = (
                (m[low, c] - m[up, c]) / (low - up),
                (m[r, right] - m[r, left]) / (right - left),
            )
            place = int(math.degrees(math.atan2(dy, dx)) % 180 // (180 / bins))
            found[r // cell, c // cell, min(place, bins - 1)] += math.hypot(dx, dy)
    return found


@pytest.mark.parametrize(("cell", "bins"), [(7, 9), (3, 4)])
def test_histograms_and_their_correlation_equal_the_slow_twin(cell, bins):
    a, b = drawn(5)
    slow = [[slow_histograms(m, cell, bins) for m in maps] for maps in (a, b)]
    found = gradient_histograms(a, cell=cell, bins=bins)
    np.testing.assert_allclose(found, slow[0], rtol=0, atol=ROUNDING)
    if found[0].size > 1:
        wanted = [np.corrcoef(x.ravel(), y.ravel())[0, 1] for x, y in zip(*slow, strict=True)]
        assert histogram_correlation(a, b, cell=cell, bins=bins).tolist() == near(wanted)


def test_histograms_by_hand():
    right = np.tile(np.arange(4.0), (4, 1))  # grows by 1 to the right everywhere: angle 0
    found = gradient_histograms([right, 2 * right.T, -right], cell=2, bins=4)
    assert found.shape == (3, 2, 2, 4)
    assert (found[0] == [4, 0, 0, 0]).all()  # four pixels a cell
    assert (found[1] == [0, 0, 8, 0]).all()  # a quarter turn, half of half a turn
    assert (found[2] == found[0]).all()  # half a turn is no turn


@pytest.mark.parametrize("metric", [spearman, histogram_correlation])
def test_constant_maps_have_no_correlation(metric):
    a, b = drawn(7, n=2)
    a[0] = 0.1
    for found in (metric(a, b), metric(b, a)):
        assert np.isnan(found[0]) and np.isfinite(found[1])


def test_nonsense_is_refused_in_words():
    for metric in [spearman, ssim, histogram_correlation]:
        a, b = drawn(8)
        with pytest.raises(BadInput, match="one shape"):
            metric(a, b[:1])
        with pytest.raises(BadInput, match="NaN or infinity"):
            metric(a, np.where(b > 0.9, np.nan, b))
        with pytest.raises(BadInput, match="at least one image"):
            metric(a[:0], b[:0])


def test_bad_settings_are_refused_in_words():
    a, b = drawn(9)
    for window in (1, 4, 11):
        with pytest.raises(BadInput, match=f"odd and from 3 to 9, but {window} came"):
            ssim(a, b, window=window)
    with pytest.raises(BadInput, match="above 0, but 0"):
        ssim(a, b, data_range=0)
    with pytest.raises(BadInput, match="cells of 0"):
        histogram_correlation(a, b, cell=0)
    with pytest.raises(BadInput, match="0 bins"):
        histogram_correlation(a, b, bins=0)
    with pytest.raises(BadInput, match="1×11 pixels"):
        gradient_histograms(a[:, :1])


def test_ssim_refuses_values_outside_its_range():
    inside = np.full((1, 5, 5), 0.5)
    for outside in (1.5, -0.6, 255.0):
        for pair in ((inside, inside + outside), (inside - 2 * outside, inside)):
            with pytest.raises(BadInput, match=r"0 to its data_range of 1\.0, but these reach"):
                ssim(*pair, window=3)
