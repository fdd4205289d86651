"""Image sets by name, and the evaluation protocols that split them."""

from lib.data.clutter import cluttered, two_digits
from lib.data.conditions import CONDITIONS, apply_condition, conditions_for
from lib.data.cure_tsr import clean_signs, read_cure_tsr
from lib.data.files import resolve_root
from lib.data.images import ImageSet, content_hash, pad, resize, to_float
from lib.data.loading import KNOWN, load
from lib.data.negatives import negative_samples
from lib.data.open_set import (
    CIFAR10_SPLITS,
    class_positions,
    distinct_splits,
    draw_classes,
    first_of_each,
    open_set,
    places_among,
    remaining_classes,
)
from lib.data.planted import PLANTED, plant
from lib.data.protocols import anomaly_labels, one_class, outlier_share, several_classes
from lib.data.self_supervised import grey, rotated, sobel

__all__ = [
    "CIFAR10_SPLITS",
    "CONDITIONS",
    "KNOWN",
    "PLANTED",
    "ImageSet",
    "anomaly_labels",
    "apply_condition",
    "class_positions",
    "clean_signs",
    "cluttered",
    "conditions_for",
    "content_hash",
    "distinct_splits",
    "draw_classes",
    "first_of_each",
    "grey",
    "load",
    "negative_samples",
    "one_class",
    "open_set",
    "outlier_share",
    "pad",
    "places_among",
    "plant",
    "read_cure_tsr",
    "remaining_classes",
    "resize",
    "resolve_root",
    "rotated",
    "several_classes",
    "sobel",
    "to_float",
    "two_digits",
]
