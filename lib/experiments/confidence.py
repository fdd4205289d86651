"""The weight alpha of a denoising autoencoder's confidence: rules on held-out images."""

import math
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from lib.errors import BadInput
from lib.metrics import thresholded_accuracy
from lib.models import DenoisingClassifier
from lib.scores import alpha_keeping, error_lengths, in_batches, log_outputs
from lib.training import class_evidence

LabelledImages = tuple[Tensor, Tensor]


def chosen_alpha(
    model: DenoisingClassifier, held_out: LabelledImages, *, squared: bool = False
) -> float:
    """The largest alpha that leaves a confidence of 0.9 to 99 of 100 images named rightly.

    `held_out` are images `[n, 1, 28, 28]` with labels `[n]`; `squared` as in `log_confidence`.
    Looks at no attack and no unknown class. Raises BadInput where no image is named rightly.
    Source: methods.md 5.3, default rule.
    """
    x, labels = held_out
    return alpha_keeping(error_lengths(model, x, squared=squared)[_named_rightly(model, x, labels)])


def alpha_losing(
    model: DenoisingClassifier, held_out: LabelledImages, *, threshold: float, kept: float
) -> float:
    """The alpha at which a share `kept` of the images named rightly reaches the threshold.

    0 where fewer do so without any confidence. `held_out` as in `chosen_alpha`. Raises BadInput
    for a threshold or share outside (0, 1], and where no image is named rightly.
    """
    if not (0 < threshold <= 1 and 0 < kept <= 1):
        raise BadInput(
            f"The threshold and the share must lie above 0 and up to 1; {threshold} and {kept} "
            "came."
        )
    x, labels = held_out
    right = _named_rightly(model, x, labels).cpu()
    if not right.any():
        raise BadInput("The rule for alpha needs an image that is named rightly.")
    best = in_batches(lambda part: log_outputs(model, part), x).cpu().amax(1)
    # the alpha at which each image's output falls to the threshold
    largest = (best - math.log(threshold)) / error_lengths(model, x).cpu()
    return max(0.0, float(largest[right].quantile(1 - kept)))


def alpha_curves(
    model: DenoisingClassifier,
    held_out: LabelledImages,
    alphas: Iterable[float],
    *,
    threshold: float,
    squared: bool = False,
    generator: torch.Generator,
) -> dict[str, list[float]]:
    """What each alpha does at a threshold: `accuracy`, `noise refused` and `blends refused`.

    Accuracy is that of `held_out` (as in `chosen_alpha`), with a refused image wrong; the other
    two are shares refused of images that are none, as many as those: uniform noise, and two
    held-out images laid over each other. `generator` on the CPU draws them.
    """
    x, labels = held_out
    noise = torch.rand(x.shape, generator=generator).to(x.device)
    blends = (x + x[torch.randperm(len(x), generator=generator).to(x.device)]) / 2
    parts = {"held": x, "noise": noise, "blends": blends}
    plain = {
        word: in_batches(lambda part: log_outputs(model, part), images).cpu().numpy()
        for word, images in parts.items()
    }
    lengths = {
        word: error_lengths(model, images, squared=squared).cpu().numpy()
        for word, images in parts.items()
    }
    curves: dict[str, list[float]] = {"accuracy": [], "noise refused": [], "blends refused": []}
    for alpha in alphas:
        found = {word: np.exp(plain[word] - alpha * lengths[word][:, None]) for word in parts}
        value = thresholded_accuracy(found["held"], labels.cpu().numpy(), threshold)
        curves["accuracy"].append(value)
        for word in ("noise", "blends"):
            refused = found[word].max(1) < threshold
            curves[f"{word} refused"].append(float(refused.mean()))
    return curves


def _named_rightly(model: DenoisingClassifier, x: Tensor, labels: Tensor) -> Tensor:
    """Which images the network names rightly, whatever its confidence."""
    return in_batches(lambda part: class_evidence(model, part), x).argmax(1) == labels
