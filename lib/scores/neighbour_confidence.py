"""Confidence from the nearest training images: near ones of one class speak for that class."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.errors import BadInput
from lib.scores.neighbours import nearest
from lib.scores.weibull import checked_class_labels, checked_features


def knn_confidence(
    train: ArrayLike,
    train_labels: ArrayLike,
    x: ArrayLike,
    *,
    classes: int,
    k: int = 10,
    jobs: int = 1,
) -> NDArray[np.float64]:
    """exp(-distance/scale) · share of votes, `[n, classes]` in [0, 1]; high for the right class.

    `train` `[m, d]` with labels `[m]` from 0 to `classes` - 1, and `x` `[n, d]` of other images.
    The distance is the mean of the Euclidean ones to the k nearest training images, which also
    vote. The scale is the median over training images of that same distance to the k nearest
    others; so an image like those of training has outputs that add up to about exp(-1) = 0.37, not
    to 1, and thresholds must be chosen with that in mind. With one class it is confidence alone.
    `jobs` bounds the threads. Raises BadInput for features that are not finite or do not fit, for
    labels out of range, for a k that is not from 1 to m - 1, and where half of the training images
    or more have k copies of themselves. Source: spigler2019denoising, previous work: a "confidence
    score based on k-nearest-neighbor"; the slides give no formula, this one is ours.
    """
    known, asked = checked_features(train, "Training features"), checked_features(x, "Features")
    labels = checked_class_labels(train_labels, len(known), classes)
    if known.shape[1] != asked.shape[1]:
        raise BadInput(
            f"Features of one length are wanted, but {known.shape[1]} and {asked.shape[1]} came."
        )
    if not 1 <= k < len(known):
        raise BadInput(
            f"k must be from 1 to {len(known) - 1}, one less than the training images, "
            f"but {k} came."
        )
    to_others, _ = nearest(known, None, k, jobs=jobs)  # none is its own neighbour here
    scale = float(np.median(to_others.mean(1)))
    if scale == 0:
        raise BadInput("Half of the training images or more are copies: there is no scale.")
    distances, places = nearest(known, asked, k, jobs=jobs)
    votes = (labels[places][:, :, None] == np.arange(classes)).mean(1)
    return np.asarray(np.exp(-distances.mean(1) / scale)[:, None] * votes, np.float64)
