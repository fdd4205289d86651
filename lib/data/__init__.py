"""Image sets by name, and the evaluation protocols that split them."""

from lib.data.clutter import cluttered, two_digits
from lib.data.conditions import CONDITIONS, apply_condition, conditions_for
from lib.data.cure_tsr import clean_signs, read_cure_tsr
from lib.data.files import resolve_root
from lib.data.images import (
    ImageSet,
    check_range,
    content_hash,
    pad,
    resize,
    to_float,
    with_channels,
)
from lib.data.kinds import evenly_spaced, normal_and_novel
from lib.data.loading import KNOWN, load
from lib.data.negatives import negative_samples
from lib.data.open_set import (
    CIFAR10_SPLITS,
    class_positions,
    distinct_splits,
    draw_classes,
    first_of_each,
    nominal_split,
    open_set,
    places_among,
    remaining_classes,
)
from lib.data.planted import PLANTED, plant
from lib.data.protocols import anomaly_labels, one_class, outlier_share, several_classes
from lib.data.self_supervised import grey, rotated, sobel
from lib.data.sides import LeftOut, Sides, left_out, own_accuracy, sides

__all__ = [
    "CIFAR10_SPLITS",
    "CONDITIONS",
    "KNOWN",
    "PLANTED",
    "ImageSet",
    "LeftOut",
    "Sides",
    "anomaly_labels",
    "apply_condition",
    "check_range",
    "class_positions",
    "clean_signs",
    "cluttered",
    "conditions_for",
    "content_hash",
    "distinct_splits",
    "draw_classes",
    "evenly_spaced",
    "first_of_each",
    "grey",
    "left_out",
    "load",
    "negative_samples",
    "nominal_split",
    "normal_and_novel",
    "one_class",
    "open_set",
    "outlier_share",
    "own_accuracy",
    "pad",
    "places_among",
    "plant",
    "read_cure_tsr",
    "remaining_classes",
    "resize",
    "resolve_root",
    "rotated",
    "several_classes",
    "sides",
    "sobel",
    "to_float",
    "two_digits",
    "with_channels",
]
