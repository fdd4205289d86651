"""Logits and z of many images, at the price of one forward pass."""

from typing import NamedTuple

import torch
from torch import Tensor

from lib.models import Classifier
from lib.training.augment import as_float
from lib.training.checks import check_counts, check_images
from lib.training.precision import Precision, autocast, check_precision


class Prediction(NamedTuple):
    """Logits `[n, classes]` and z `[n, k]` of the same images, float32 on the CPU."""

    logits: Tensor
    z: Tensor


@torch.no_grad()
def predict(
    model: Classifier, images: Tensor, *, batch_size: int = 256, precision: Precision = "float32"
) -> Prediction:
    """Logits and z of `images` `[n, c, h, w]`, uint8 or float in [0, 1]; leaves evaluation mode on.

    The images may live on another device than the model. `batch_size` bounds the memory only;
    "bfloat16" computes z in that precision. Raises BadInput where there are no images, and for
    another batch size or precision.
    """
    check_counts(batch_size=batch_size)
    check_images(given=images)
    check_precision(precision)
    model.eval()
    device = model.mean.device
    parts = []
    for batch in images.split(batch_size):
        with autocast(device, precision):
            z = model.features(as_float(batch.to(device)))
        z = z.float()  # the head is small: it always has full precision
        parts.append((model.head(z).cpu(), z.cpu()))
    logits, features = zip(*parts, strict=True)
    return Prediction(torch.cat(logits), torch.cat(features))
