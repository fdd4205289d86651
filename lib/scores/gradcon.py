"""GradCon's scores: how badly an image's gradient fits what the training images asked for."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from lib.errors import BadInput
from lib.models import CAE, decoder_weights
from lib.models.transposed import SHORTEST
from lib.models.vae import Reconstruction
from lib.scores.gradients import CHUNK, traced


def gradient_cosines(
    model: CAE,
    x: Tensor,
    reference: Sequence[Tensor],
    *,
    reconstruction: Reconstruction = "squared",
) -> Tensor:
    """Cosine of each image's gradient with the reference, `[n, layers]` in [-1, 1].

    Low is anomalous here: it is the ingredient of `gradient_score`, not a score.
    `reference` holds one tensor per decoder weight, and `reconstruction` is the loss whose gradient
    is meant. The memory it takes does not grow with the number of images. Raises BadInput where the
    reference does not match, and as `decoder_gradients` does.
    """
    return torch.cat([found for _, found in _measured(model, x, reference, reconstruction)])


def gradient_score(
    model: CAE,
    x: Tensor,
    reference: Sequence[Tensor],
    *,
    layer: int | None = None,
    reconstruction: Reconstruction = "squared",
) -> Tensor:
    """Minus the mean cosine over decoder layers, `[n]` in [-1, 1]; higher is more anomalous.

    `layer` (counted from 0) takes that layer's cosine alone.
    Source: kwon2020gradcon, "Grad".
    """
    cosines = gradient_cosines(model, x, reference, reconstruction=reconstruction)
    return -(cosines.mean(1) if layer is None else cosines[:, layer])


def gradcon_score(
    model: CAE,
    x: Tensor,
    reference: Sequence[Tensor],
    *,
    beta: float = 0.12,
    reconstruction: Reconstruction = "squared",
) -> Tensor:
    """Reconstruction error plus beta times the gradient score, `[n]`; higher is more anomalous.

    The error must be the mean over pixels: the cosine has no scale, so a sum over pixels would
    change the balance. Source: kwon2020gradcon, GradCon; beta of the official code.
    """
    parts = _measured(model, x, reference, reconstruction)
    return torch.cat([error - beta * cosines.mean(1) for error, cosines in parts])


def gradcon_scores(
    model: CAE,
    x: Tensor,
    reference: Sequence[Tensor],
    *,
    beta: float = 0.12,
    batch_size: int = CHUNK,
    reconstruction: Reconstruction = "squared",
) -> dict[str, Tensor]:
    """All of GradCon's scores in one pass, each `[n]` on the CPU, higher is more anomalous.

    Keys: "recon", "grad", "recon+beta*grad" and, for single decoder layers counted from 1 at the
    latent, "layer=1" and so on. `x` may live on another device than the model. "recon" is the mean
    squared error, or with `reconstruction="bce"` the mean binary cross-entropy.
    """
    parts = _measured(model, x, reference, reconstruction, batch_size)
    rows = [torch.cat([error[:, None], cosines], 1) for error, cosines in parts]
    recon, *layers = torch.cat(rows).cpu().unbind(1)
    grad = -torch.stack(layers).mean(0)
    found = {"recon": recon, "grad": grad, "recon+beta*grad": recon + beta * grad}
    return found | {f"layer={i}": -cosine for i, cosine in enumerate(layers, start=1)}


def _measured(
    model: CAE,
    x: Tensor,
    reference: Sequence[Tensor],
    reconstruction: Reconstruction,
    batch_size: int = CHUNK,
) -> Iterator[tuple[Tensor, Tensor]]:
    """A few images at a time: reconstruction loss `[n]` and cosines `[n, layers]`."""
    wanted = [list(w.shape) for w in decoder_weights(model)]
    if [list(r.shape) for r in reference] != wanted:
        raise BadInput(
            f"The reference gradient must have the shapes {wanted}; "
            f"it has {[list(r.shape) for r in reference]}."
        )
    # once, in the order of memory in which the network is asked
    directions = [r.detach().contiguous(memory_format=torch.channels_last) for r in reference]
    lengths = torch.stack([r.norm() for r in directions]).clamp_min(SHORTEST)
    for error, traces in traced(model, x, reconstruction=reconstruction, chunk=batch_size):
        pairs = zip(traces, directions, strict=True)
        products = torch.stack([trace.product_with(r) for trace, r in pairs], 1)
        own = torch.stack([trace.length() for trace in traces], 1).clamp_min(SHORTEST)
        yield error, (products / (own * lengths)).clamp(-1, 1)  # rounding can pass 1 by a little
