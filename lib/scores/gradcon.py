"""GradCon's scores: how badly an image's gradient fits what the training images asked for."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lib.errors import BadInput
from lib.models import CAE
from lib.scores.gradients import decoder_gradients
from lib.scores.reconstruction import reconstruction_error


def gradient_cosines(model: CAE, x: Tensor, reference: Sequence[Tensor]) -> Tensor:
    """Cosine of each image's gradient with the reference, `[n, layers]` in [-1, 1].

    Low is anomalous here: it is the ingredient of `gradient_score`, not a score.
    `reference` holds one tensor per decoder weight. Raises BadInput where they do not match.
    """
    gradients = decoder_gradients(model, x)
    wanted = [list(g.shape[1:]) for g in gradients]
    if [list(r.shape) for r in reference] != wanted:
        raise BadInput(
            f"The reference gradient must have the shapes {wanted}; "
            f"it has {[list(r.shape) for r in reference]}."
        )
    pairs = zip(gradients, reference, strict=True)
    cosines = [torch.cosine_similarity(g.flatten(1), r.flatten()[None], dim=1) for g, r in pairs]
    return torch.stack(cosines, dim=1).detach().clamp(-1, 1)  # rounding can pass 1 by a little


def gradient_score(
    model: CAE, x: Tensor, reference: Sequence[Tensor], *, layer: int | None = None
) -> Tensor:
    """Minus the mean cosine over decoder layers, `[n]` in [-1, 1]; higher is more anomalous.

    `layer` (counted from 0) takes that layer's cosine alone.
    Source: kwon2020gradcon, "Grad".
    """
    cosines = gradient_cosines(model, x, reference)
    return -(cosines.mean(1) if layer is None else cosines[:, layer])


def gradcon_score(
    model: CAE, x: Tensor, reference: Sequence[Tensor], *, beta: float = 0.12
) -> Tensor:
    """Reconstruction error plus beta times the gradient score, `[n]`; higher is more anomalous.

    The error must be the mean over pixels: the cosine has no scale, so a sum over pixels would
    change the balance. Source: kwon2020gradcon, GradCon; beta of the official code.
    """
    return reconstruction_error(model, x) + beta * gradient_score(model, x, reference)


def gradcon_scores(
    model: CAE,
    x: Tensor,
    reference: Sequence[Tensor],
    *,
    beta: float = 0.12,
    batch_size: int = 256,
) -> dict[str, Tensor]:
    """All of GradCon's scores in one pass, each `[n]` on the CPU, higher is more anomalous.

    Keys: "recon", "grad", "recon+beta*grad" and, for single decoder layers counted from 1 at the
    latent, "layer=1" and so on. `x` may live on another device than the model.
    """
    device = next(model.parameters()).device
    parts = []
    for batch in x.split(batch_size):
        inputs = batch.to(device)
        error = reconstruction_error(model, inputs)
        parts.append(torch.cat([error[:, None], gradient_cosines(model, inputs, reference)], 1))
    recon, *layers = torch.cat(parts).cpu().unbind(1)
    grad = -torch.stack(layers).mean(0)
    found = {"recon": recon, "grad": grad, "recon+beta*grad": recon + beta * grad}
    return found | {f"layer={i}": -cosine for i, cosine in enumerate(layers, start=1)}
