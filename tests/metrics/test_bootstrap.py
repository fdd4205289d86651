"""The bootstrap interval: against DeLong's, coverage, pairing, and what it draws."""

import numpy as np
import pytest

from lib.errors import BadInput
from lib.metrics import auroc, bootstrap_interval, delong_difference, delong_interval


def drawn(seed, n=150, m=100, shift=1.0):
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], [n, m])
    return labels, rng.normal(size=n + m) + shift * labels


def rank(labels, scores):
    """AUROC of scores without ties, by ranks: quick."""
    order = np.argsort(np.argsort(scores)) + 1
    m = int(labels.sum())
    return (order[labels == 1].sum() - m * (m + 1) / 2) / (m * (labels.size - m))


def test_of_a_mean_by_arithmetic():
    # normals 0 and 1, one anomaly: the mean of drawn normals is 0, 1/2 or 1 with 1/4, 1/2, 1/4
    found = bootstrap_interval(
        lambda labels, scores: scores[labels == 0].mean(),
        [0, 0, 1],
        [0, 1, 5],
        rng=np.random.default_rng(0),
    )
    assert (found.mean, found.low, found.high, found.n) == (0.5, 0.0, 1.0, 3)
    half = bootstrap_interval(
        lambda labels, scores: scores[labels == 0].mean(),
        [0, 0, 1],
        [0, 1, 5],
        rng=np.random.default_rng(0),
        level=0.4,  # from the 30th percentile to the 70th
    )
    assert (half.low, half.high) == (0.5, 0.5)


def test_resembles_delongs_interval():
    labels, scores = drawn(1)
    found = bootstrap_interval(auroc, labels, scores, rng=np.random.default_rng(0), draws=300)
    wanted = delong_interval(labels, scores)
    assert found.mean == pytest.approx(wanted.mean, abs=1e-12)  # float64 sums
    # the 2.5 % point of 300 draws is known to 2.7 / sqrt(300) = 0.15 of a deviation, which is
    # 0.031; a little more for the skew that DeLong's interval has not
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=0.01)


def test_scores_of_one_image_stay_together():
    labels, scores = drawn(2)
    both = np.stack([scores, scores + 0.3 * drawn(3)[1]], axis=1)

    def difference(labels, pair):
        return rank(labels, pair[:, 0]) - rank(labels, pair[:, 1])

    rng = np.random.default_rng(0)
    # copies of an image have one label, so that the order of tied ones does not matter
    found = bootstrap_interval(difference, labels, both, rng=rng, draws=600)
    wanted = delong_difference(labels, both[:, 0], both[:, 1])
    assert found.mean == pytest.approx(wanted.mean, abs=1e-12)  # float64
    # the paired interval is 0.038 wide, to 7 % in six seeds; apart from each other the two AUROCs
    # have intervals of 0.12, and their difference one of 0.17
    assert found.high - found.low == pytest.approx(wanted.high - wanted.low, rel=0.15)


def test_covers_the_truth():
    truth, hits = 0.7602, 0  # of two normals one deviation apart: Phi(1 / sqrt 2)
    for seed in range(100):
        labels, scores = drawn(seed, n=60, m=40)
        rng = np.random.default_rng(seed)
        found = bootstrap_interval(rank, labels, scores, rng=rng, draws=200)
        hits += found.low <= truth <= found.high
    # 95 of 100 with a deviation of 2.2; the percentile interval is a little narrow
    assert 87 <= hits <= 100


def test_every_draw_has_as_many_of_each_class_and_repeats_images():
    labels, scores = drawn(4, n=30, m=10)
    seen = []

    def spy(drawn_labels, drawn_scores):
        seen.append((drawn_labels.sum(), len(drawn_labels), len(np.unique(drawn_scores))))
        lookup = dict(zip(scores, labels, strict=True))
        assert [lookup[score] for score in drawn_scores] == drawn_labels.tolist()
        return 0.0

    bootstrap_interval(spy, labels, scores, rng=np.random.default_rng(0), draws=50)
    assert len(seen) == 51  # and once the images themselves
    assert {(anomalies, n) for anomalies, n, _ in seen} == {(10, 40)}
    assert seen[-1][2] == 40
    # 1 - 1/e of 40 images are 25
    assert 22 < np.mean([distinct for *_, distinct in seen[:-1]]) < 29


def test_depends_on_its_generator_alone():
    labels, scores = drawn(5)
    first, again, other = (
        bootstrap_interval(rank, labels, scores, rng=np.random.default_rng(seed), draws=50)
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other and first.mean == other.mean


def test_nonsense_is_refused_in_words():
    labels, scores = drawn(6, n=4, m=3)
    options = {"rng": np.random.default_rng(0)}
    with pytest.raises(BadInput, match="both classes"):
        bootstrap_interval(rank, [1, 1], [1, 2], **options)
    with pytest.raises(BadInput, match=r"\[7\] or \[7, k\]"):
        bootstrap_interval(rank, labels, scores[:5], **options)
    with pytest.raises(BadInput, match="finite"):
        bootstrap_interval(rank, labels, scores * np.nan, **options)
    with pytest.raises(BadInput, match="at least one draw, but 0"):
        bootstrap_interval(rank, labels, scores, draws=0, **options)
    with pytest.raises(BadInput, match="confidence level"):
        bootstrap_interval(rank, labels, scores, level=1.0, **options)
