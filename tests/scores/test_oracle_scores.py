"""Detectors fitted to z: what each must find, what none can, and what none may draw."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from lib.errors import BadInput
from lib.metrics import auroc
from lib.scores import (
    forest_learning_curve,
    forest_score,
    linear_probe_score,
    nominal_neighbour_distance,
)

TREES = 20  # enough for the toys below


def rng(seed=0):
    return np.random.default_rng(seed)


def forest(z, labels, asked, seed=0):
    return forest_score(z, labels, asked, rng=rng(seed), trees=TREES)


ORACLES = {
    "forest": forest,
    "linear probe": linear_probe_score,
}


def separable(seed, n=200, k=8):
    """Anomalies three deviations off in one number."""
    labels = np.arange(n) % 2
    z = rng(seed).normal(size=(n, k)).astype(np.float32)
    z[:, 2] += 3 * labels
    return z, labels


def corners(seed, n=300):
    """Anomalies in two opposite corners of a square, nominal images in the two others."""
    signs = rng(seed).integers(0, 2, (n, 2))
    z = 2 * signs - 1 + 0.3 * rng(seed + 100).normal(size=(n, 2))
    return z.astype(np.float32), signs[:, 0] ^ signs[:, 1]


def test_what_is_not_linear_is_found_by_all_but_the_linear_probe():
    z, labels = corners(0)
    asked, truth = corners(1)
    found = {name: auroc(truth, oracle(z, labels, asked)) for name, oracle in ORACLES.items()}
    # one half with a standard error of 0.033 for 150 against 150
    assert found.pop("linear probe") == pytest.approx(0.5, abs=0.1)
    assert min(found.values()) > 0.99


def test_the_forest_is_scikit_learns_with_its_own_seed():
    z, labels = separable(0)
    asked, _ = separable(1)
    seed = int(rng(7).integers(2**31))
    wanted = RandomForestClassifier(n_estimators=TREES, random_state=seed).fit(z, labels)
    found = forest(z, labels, asked, seed=7)
    assert found.tolist() == wanted.predict_proba(asked)[:, 1].tolist()
    assert forest(z, labels, asked, seed=8).tolist() != found.tolist()
    assert ((found >= 0) & (found <= 1)).all()


def test_the_linear_probe_ignores_scale_and_offset_of_each_number():
    z, labels = separable(0)
    asked, _ = separable(1)
    scale, offset = rng(3).uniform(0.5, 20, 8), rng(4).normal(size=8)
    found = linear_probe_score(z, labels, asked)
    moved = linear_probe_score(z * scale + offset, labels, asked * scale + offset)
    # both stop at a gradient below 1e-4, from z rounded to float32
    np.testing.assert_allclose(moved, found, rtol=0, atol=1e-3)
    assert len(np.unique(found)) == 200  # log-odds: sure images are not tied at 1


def test_neighbours_by_hand():
    known = [[0.0, 0.0], [0.0, 3.0], [4.0, 0.0], [10.0, 10.0]]
    asked = [[0.0, 1.0], [4.0, 3.0]]
    # distances 1, 2, sqrt 17, sqrt 181 and 5, 4, 3, sqrt 85
    for k, wanted in ((1, [1, 3]), (2, [2, 4]), (3, [17**0.5, 5]), (4, [181**0.5, 85**0.5])):
        found = nominal_neighbour_distance(known, asked, k=k)
        assert found.tolist() == pytest.approx(wanted, rel=1e-6)  # z in float32


def test_neighbours_equal_a_full_sort():
    k, (z, _) = 10, separable(0)  # the default
    asked, _ = separable(1)
    distances = np.linalg.norm(asked[:, None].astype(float) - z[None].astype(float), axis=2)
    wanted = np.sort(distances, axis=1)[:, k - 1]
    found = nominal_neighbour_distance(z, asked)
    # squares in float32, whose differences lose a few digits
    np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_the_learning_curve_rises_and_ends_at_the_forest():
    z, labels = corners(0)
    asked, truth = corners(1)
    anomalies = int(labels.sum())
    counts = [2, 10, anomalies]
    found = forest_learning_curve(z, labels, asked, truth, counts=counts, rng=rng(0), trees=TREES)
    assert list(found) == counts
    assert found[2] < 0.95 < found[anomalies]
    assert found[anomalies] == pytest.approx(auroc(truth, forest(z, labels, asked)), abs=0.01)


def test_smaller_sets_of_anomalies_lie_in_larger_ones(monkeypatch):
    z, labels = separable(0)
    asked, truth = separable(1)
    seen = []

    def spy(known, known_labels, *rest, **options):
        seen.append({tuple(row) for row in known[known_labels == 1].tolist()})
        assert (known_labels == 0).sum() == 100
        assert options["trees"] == 3
        return np.arange(200.0)

    monkeypatch.setattr("lib.scores.oracle.forest_score", spy)
    forest_learning_curve(z, labels, asked, truth, counts=[1, 5, 40, 100], rng=rng(1), trees=3)
    assert [len(part) for part in seen] == [1, 5, 40, 100]
    assert seen[0] < seen[1] < seen[2] < seen[3]


def test_z_that_does_not_fit_is_refused():
    for name in ORACLES:
        oracle = ORACLES[name]
        z, labels = separable(0)
        with pytest.raises(BadInput, match=r"\[m, k\] and \[n, k\] with one k"):
            oracle(z, labels, z[:, :3])
        with pytest.raises(BadInput, match=r"\[m, k\] and \[n, k\] with one k"):
            oracle(z[0], labels, z)
        with pytest.raises(BadInput, match="finite"):
            oracle(z, labels, np.where(z > 2, np.nan, z))
        with pytest.raises(BadInput, match="at least one image"):
            oracle(z, labels, z[:0])
        with pytest.raises(BadInput, match="200 images need as many labels, but 199"):
            oracle(z, labels[1:], z)
        with pytest.raises(BadInput, match="both classes"):
            oracle(z, labels * 0, z)


def test_settings_out_of_range_are_refused():
    z, labels = separable(0)
    with pytest.raises(BadInput, match="at least one tree, but 0"):
        forest_score(z, labels, z, rng=rng(), trees=0)
    for c in (0, -1, np.nan):
        with pytest.raises(BadInput, match="c must be above 0"):
            linear_probe_score(z, labels, z, c=c)
    for k in (0, 201):
        with pytest.raises(BadInput, match=f"from 1 to the 200 known images, but {k}"):
            nominal_neighbour_distance(z, z, k=k)
    with pytest.raises(BadInput, match=r"100 labelled anomalies, so not \[0, 101\]"):
        forest_learning_curve(z, labels, z, labels, counts=[0, 50, 101], rng=rng())


def test_a_copy_is_its_own_neighbour_at_distance_zero():
    """Not by products of matrices, which leave a copy 1e-7 away and the order to rounding."""
    known = 100 + np.random.default_rng(0).random((50, 64), np.float32)
    asked = known.copy()
    asked[1::2, 0] += np.float32(2**-10)  # exact in steps of 2^-17 near 100
    asked[3, 1] += np.float32(2**-10)
    found = nominal_neighbour_distance(known, asked, k=1)
    assert (found[::2] == 0).all()
    assert found[1] == 2**-10 and found[3] == pytest.approx(2**-9.5, rel=1e-15)
    alone = [nominal_neighbour_distance(known, row[None], k=1).item() for row in asked]
    assert found.tolist() == alone
