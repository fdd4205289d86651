"""Nearest neighbours by exact distances."""

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

SPARE = 4  # candidates more than asked for, so that rounding in the search costs no neighbour


def nearest(
    known: NDArray[np.floating],
    asked: NDArray[np.floating] | None,
    k: int,
    *,
    jobs: int = 1,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Euclidean distances to the k nearest of `known` and their places, both `[n, k]`, ascending.

    `known` `[m, d]`, `asked` `[n, d]`; with None each known one is asked for the k nearest others.
    scikit-learn searches by matrix products, whose differences of squares give a copy a distance
    above 0, so the distances of what it finds are taken again from the differences themselves.
    """
    # brute force: in hundreds of dimensions trees of cells visit every image anyway
    search = NearestNeighbors(algorithm="brute", n_jobs=jobs).fit(known)
    count = min(k + SPARE, len(known) - (asked is None))
    places = search.kneighbors(asked, count, return_distance=False)
    rows = known if asked is None else asked
    distances = np.empty(places.shape)
    for row, candidates, found in zip(rows, places, distances, strict=True):
        found[:] = np.linalg.norm(known[candidates].astype(np.float64) - row, axis=1)
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, order, 1), np.take_along_axis(places, order, 1)
