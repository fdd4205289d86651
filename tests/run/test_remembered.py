"""Results that are kept in the work folder, so that a killed run goes on."""

import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from joblib import Memory

from lib.run import workspace
from lib.scores import forest_score

RNG = np.random.default_rng(0)
Z, LABELS = RNG.normal(size=(40, 3)), np.arange(40) % 2


def score(**options):
    return workspace.remembered(forest_score, but=["jobs"])(
        Z, LABELS, Z, rng=np.random.default_rng(options.pop("seed", 0)), trees=5, **options
    )


def outputs(folder: Path) -> int:
    return len(list(folder.rglob("output.pkl")))


def test_what_was_computed_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = forest_score(Z, LABELS, Z, rng=np.random.default_rng(0), trees=5)
    monkeypatch.setenv("COMPANION_WORK", str(tmp_path))
    for jobs in (1, 2):  # the number of threads moves nothing, so it makes no other entry
        assert np.array_equal(score(jobs=jobs), bare)
        assert outputs(tmp_path) == 1
    assert not np.array_equal(score(seed=1), bare)  # other draws are another result
    assert outputs(tmp_path) == 2
    # it is the stored result that comes back, not a new one
    stored = next(tmp_path.rglob("output.pkl"))
    stored.write_bytes(b"damaged")
    assert np.array_equal(score(jobs=1), bare)  # damaged ones are computed anew


def test_without_a_work_folder_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMPANION_WORK", raising=False)
    assert workspace.remembered(forest_score) is forest_score


class SlowToName:
    """Past the half second from which joblib warns that it wrote down the arguments slowly."""

    def __repr__(self) -> str:
        time.sleep(0.6)
        return "slow"


def nothing(given: object) -> None:
    """A function whose result does not matter."""


def test_a_slow_machine_leaves_no_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.warns(UserWarning, match="Persisting input arguments"):
        Memory(tmp_path / "bare", verbose=0).cache(nothing)(SlowToName())
    monkeypatch.setenv("COMPANION_WORK", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        workspace.remembered(nothing)(SlowToName())
