"""Our rule for the weight alpha of a confidence, on held-out images alone."""

import torch
from torch import Tensor

from lib.models import DenoisingClassifier
from lib.scores import alpha_keeping, error_lengths, in_batches
from lib.training import class_evidence


def chosen_alpha(
    model: DenoisingClassifier, held_out: tuple[Tensor, Tensor], *, squared: bool = False
) -> float:
    """The largest alpha that leaves a confidence of 0.9 to 99 of 100 images named rightly.

    `held_out` are images `[n, 1, 28, 28]` with labels `[n]`; `squared` as in `log_confidence`.
    Looks at no attack and no unknown class. A control: the document prints its alphas. Raises
    BadInput where no image is named rightly.
    """
    x, labels = held_out
    right = in_batches(lambda part: class_evidence(model, part), x).argmax(1) == labels
    lengths: Tensor = error_lengths(model, x, squared=squared)
    return alpha_keeping(torch.masked_select(lengths, right))
