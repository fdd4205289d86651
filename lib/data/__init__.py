"""Image sets by name, and the evaluation protocols that split them."""

from lib.data.images import ImageSet, content_hash, resize, to_float
from lib.data.loading import KNOWN, load
from lib.data.protocols import anomaly_labels, one_class, outlier_share, several_classes

__all__ = [
    "KNOWN",
    "ImageSet",
    "anomaly_labels",
    "content_hash",
    "load",
    "one_class",
    "outlier_share",
    "resize",
    "several_classes",
    "to_float",
]
