"""Image sets by name, and the evaluation protocols that split them."""

from lib.data.clutter import cluttered, two_digits
from lib.data.images import ImageSet, content_hash, pad, resize, to_float
from lib.data.loading import KNOWN, load
from lib.data.negatives import negative_samples
from lib.data.open_set import (
    CIFAR10_SPLITS,
    class_positions,
    distinct_splits,
    draw_classes,
    open_set,
    remaining_classes,
)
from lib.data.planted import PLANTED, plant
from lib.data.protocols import anomaly_labels, one_class, outlier_share, several_classes
from lib.data.self_supervised import grey, rotated, sobel

__all__ = [
    "CIFAR10_SPLITS",
    "KNOWN",
    "PLANTED",
    "ImageSet",
    "anomaly_labels",
    "class_positions",
    "cluttered",
    "content_hash",
    "distinct_splits",
    "draw_classes",
    "grey",
    "load",
    "negative_samples",
    "one_class",
    "open_set",
    "outlier_share",
    "pad",
    "plant",
    "remaining_classes",
    "resize",
    "rotated",
    "several_classes",
    "sobel",
    "to_float",
    "two_digits",
]
