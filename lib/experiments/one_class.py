"""One known class: the confidence of a denoising autoencoder beside the classical baselines."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lib.models import DenoisingClassifier
from lib.scores import distance_to_mean, error_lengths, knn_confidence, one_class_svm_score

NEIGHBOURS = 5


def one_class_scores(
    denoiser: DenoisingClassifier,
    autoencoder: DenoisingClassifier,
    untrained: DenoisingClassifier,
    train: Tensor,
    x: Tensor,
) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Anomaly scores `[n]` of `x` `[n, 1, 28, 28]` by method and score, higher more anomalous.

    All networks are of the one class of `train` `[m, 1, 28, 28]`; the `autoencoder` was trained
    without noise. The order of the confidence is that of the error, whatever alpha is.
    Raises BadInput as `one_class_svm_score` and `knn_confidence` do.
    """
    flat, asked = (part.flatten(1).cpu().numpy() for part in (train, x))
    same = np.zeros(len(train), np.int64)
    neighbours = knn_confidence(flat, same, asked, classes=1, k=NEIGHBOURS)
    lengths = [
        error_lengths(model, x).cpu().numpy() for model in (denoiser, autoencoder, untrained)
    ]
    return {
        ("dAE sym", "confidence"): lengths[0],
        ("autoencoder", "reconstruction error"): lengths[1],
        ("one-class SVM", "pixels"): one_class_svm_score(flat, asked),
        ("k nearest neighbours", "pixels"): -neighbours[:, 0],
        ("untrained dAE sym", "confidence"): lengths[2],
        ("trivial", "distance to mean"): distance_to_mean(x.cpu(), train.cpu()).numpy(),
    }
