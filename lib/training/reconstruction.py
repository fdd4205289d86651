"""What GradCon's autoencoders are trained for, the constraint aside."""

import torch.nn.functional as F
from torch import Tensor

from lib.errors import BadInput
from lib.models import CAE
from lib.models.vae import VAE, Reconstruction, pixel_logits, prior_divergence


def reconstruction_losses(
    model: CAE, x: Tensor, reconstruction: Reconstruction, noise: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """L of a batch, its reconstruction part, and for a VAE the KL divergence per image.

    L is the error averaged over pixels, channels and batch, and for a VAE the divergence over the
    number of pixels besides. Source: kwon2020gradcon; methods.md 1.7.
    """
    h, divergence = encoded(model, x, noise)
    if reconstruction == "bce":
        error = F.binary_cross_entropy_with_logits(pixel_logits(model, h), x)
    else:
        error = F.mse_loss(model.decode(h), x)
    loss = error if divergence is None else error + divergence / x[0].numel()
    return loss, error, divergence


def encoded(model: CAE, x: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
    """What enters the decoder, `[n, 64, 3, 3]`, and for a VAE the KL divergence per image."""
    if not isinstance(model, VAE):
        return model.encode(x), None
    h, mean, log_variance = model.latents(x, noise)
    return h, prior_divergence(mean, log_variance).mean()


def check_choice(name: str, value: object, known: tuple[str, ...]) -> None:
    """Raise BadInput unless the value is one of those known."""
    if value not in known:
        raise BadInput(f"{name} must be one of {known}; it was {value!r}.")
