"""OpenMax and its Weibull tails: by hand, against loops, and what must be rejected."""

import math

import numpy as np
import pytest

from lib.errors import BadInput
from lib.scores.open_max import OpenMax, WeibullTail, fit_open_max, fit_weibull_tail

ROUNDING = 1e-12  # float64 sums of a few terms


def logits(seed, k=4, n=100, height=8.0):
    """Activations of a good network: `height` for the class, 0 for others, deviation 1."""
    labels = np.repeat(np.arange(k), n)
    noise = np.random.default_rng(seed).normal(size=(k * n, k))
    return noise + height * np.eye(k)[labels] + 2, labels


def test_the_share_below_by_hand():
    tail = WeibullTail(shape=2.0, log_scale=math.log(3.0), start=5.0)
    # moved values 0, 1, 4: 1 - exp(-(t/3)^2), and 0 for what lies before the tail by more than 1
    wanted = [0, 0, 1 - math.exp(-1 / 9), 1 - math.exp(-16 / 9), 1]
    assert tail.cdf([-9, 4, 5, 8, 1e200]).tolist() == pytest.approx(wanted, abs=ROUNDING)


@pytest.mark.parametrize(("spread", "tail"), [(1e-3, 5), (1.0, 20), (1e3, 200)])
def test_the_fit_has_no_slope_left_in_the_likelihood(spread, tail):
    values = spread * np.random.default_rng(tail).exponential(size=500)
    found = fit_weibull_tail(values, tail=tail)
    largest = sorted(values)[-tail:]
    assert found.start == largest[0]
    t = np.array(largest) - largest[0] + 1
    log, power = np.log(t / t.max()), (t / t.max()) ** found.shape
    # the shape of most likelihood solves sum t^c log t / sum t^c = 1/c + mean log t, and
    # scale^c = mean t^c
    slope = (power * log).sum() / power.sum() - log.mean()
    assert slope * found.shape == pytest.approx(1, rel=1e-6)
    scale = t.max() * power.mean() ** (1 / found.shape)
    assert found.log_scale == pytest.approx(math.log(scale), abs=1e-9)


def test_recalibration_by_hand():
    tail = WeibullTail(shape=1.0, log_scale=0.0, start=1.0)  # F of distance D: 1 - exp(-D)
    model = OpenMax(np.array([[3.0, 0.0], [0.0, 0.0]]), (tail, tail))
    first, second = 1 - math.exp(-1), 1 - math.exp(-2)  # of (2, 0): distances 1 and 2
    assert first != second
    # top 1: class 0 gives up F of its 2, class 1 nothing
    wanted = np.exp([2 - 2 * first, 0, 2 * first])
    found = model.outputs([[2.0, 0.0]], top=1)
    assert found.tolist()[0] == pytest.approx((wanted / wanted.sum()).tolist(), abs=ROUNDING)
    # (1, 2), top 2: class 1 gives up F of its 2, class 0 half of F of its 1
    d0, d1 = math.hypot(2, 2), math.hypot(1, 2)
    given = (1 - math.exp(-d0)) / 2, 2 * (1 - math.exp(-d1))
    wanted = np.exp([1 - given[0], 2 - given[1], sum(given)])
    found = model.outputs([[1.0, 2.0]], top=2)
    assert found.tolist()[0] == pytest.approx((wanted / wanted.sum()).tolist(), abs=ROUNDING)


@pytest.mark.parametrize("top", [1, 3])
def test_outputs_equal_a_loop(top):
    v, labels = logits(0)
    x, _ = logits(1, n=5, height=4.0)
    model = fit_open_max(v, labels)
    for image, found in zip(x, model.outputs(x, top=top), strict=True):
        order, kept, unknown = sorted(range(4), key=lambda c: -image[c]), image.copy(), 0.0
        for i, place in enumerate(order[:top], start=1):
            share = model.tails[place].cdf(math.dist(image, model.means[place]))
            kept[place] *= 1 - (top + 1 - i) / top * share
            unknown += image[place] - kept[place]
        wanted = np.exp([*kept, unknown])
        assert found.tolist() == pytest.approx((wanted / wanted.sum()).tolist(), abs=ROUNDING)


def test_only_correctly_classified_images_are_fitted():
    v, labels = logits(0)
    wrong = np.vstack([v, [[9.0, 0, 0, 0]] * 5]), np.append(labels, [2] * 5)
    clean, found = fit_open_max(v, labels), fit_open_max(*wrong)
    assert clean.means.tolist() == found.means.tolist()
    assert clean.tails == found.tails
    np.testing.assert_allclose(clean.means[1], v[labels == 1].mean(0), rtol=0, atol=ROUNDING)


def test_like_training_is_accepted_and_far_is_not():
    (v, labels), (x, truth) = logits(0, n=500), logits(1)
    model = fit_open_max(v, labels)
    found = model.outputs(x, top=4)
    assert found.shape == (400, 5) and found.dtype == np.float64
    assert ((found >= 0) & (found <= 1)).all()
    np.testing.assert_allclose(found.sum(1), 1, rtol=0, atol=ROUNDING)
    # 20 of 500 lie in the tail, where a class gives up much of its activation
    assert (found.argmax(1) == truth).mean() > 1 - 2 * 20 / 500
    # alike for two classes, and far too large for one
    between = np.full((1, 4), 2.0) + 8 * np.array([1, 1, 0, 0])
    huge = 10 * x
    for strange in (between, huge):
        assert (model.outputs(strange, top=4).argmax(1) == 4).all()


def test_nonsense_is_refused():
    v, labels = logits(0)
    with pytest.raises(BadInput, match=r"3 correctly classified images .* class 1 has 0"):
        fit_open_max(v, np.array([0, 2, 1, 3])[labels])
    with pytest.raises(BadInput, match="each class from 0 to 3 and no other"):
        fit_open_max(v, labels - 1)
    with pytest.raises(BadInput, match="Activations must be finite"):
        fit_open_max(np.where(v > 9, np.inf, v), labels)
    with pytest.raises(BadInput, match="400 images need as many labels"):
        fit_open_max(v, labels[1:])
    with pytest.raises(BadInput, match="at least 3 values, but 2 were"):
        fit_open_max(v, labels, tail=2)
    model = fit_open_max(v, labels)
    with pytest.raises(BadInput, match="Activations of 4 classes are wanted, but of 3"):
        model.outputs(v[:, :3], top=2)
    for top in (0, 5):
        with pytest.raises(BadInput, match=f"from 1 to the 4 classes, but {top}"):
            model.outputs(v, top=top)
    with pytest.raises(BadInput, match="must differ"):
        fit_weibull_tail(np.ones(9), tail=5)
    for values in (np.ones(2), np.ones((3, 3)), [1, 2, math.nan]):
        with pytest.raises(BadInput, match="at least 3 finite values"):
            fit_weibull_tail(values, tail=5)
