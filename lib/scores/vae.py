"""Scores of the variational autoencoder: its latents, its bound, and its cross-entropy."""

from typing import get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from lib.data import check_range
from lib.errors import BadInput
from lib.models import CAE
from lib.models.vae import VAE, Reconstruction, pixel_logits, prior_divergence


@torch.no_grad()
def latent_score(model: VAE, x: Tensor) -> Tensor:
    """KL divergence of each image's posterior from the prior, `[n]` nats; higher is more anomalous.

    At least 0. `x` `[n, c, 28, 28]` in [0, 1]. Raises BadInput for a network without a posterior
    and images outside [0, 1]. Source: kwon2020gradcon, "Latent".
    """
    _check_variational(model)
    check_range(given=x)
    return prior_divergence(*model.posterior(x)).clamp(min=0)  # rounding can pass 0 by a little


@torch.no_grad()
def elbo_score(model: VAE, x: Tensor, *, reconstruction: Reconstruction = "squared") -> Tensor:
    """Minus the ELBO at the posterior's mean, `[n]` nats; higher is more anomalous.

    Reconstruction error summed over pixels and channels, plus the KL divergence: what training
    minimised, times pixels and channels. "squared" is a Gaussian of variance 1/2 less its constant.
    `x` `[n, c, 28, 28]` in [0, 1]. Raises BadInput for a network without a posterior, an unknown
    reconstruction, and images outside [0, 1].
    Source: kwon2020gradcon, VAE; weights of methods.md 1.7.
    """
    _check_variational(model)
    if reconstruction not in get_args(Reconstruction):
        raise BadInput(
            f"reconstruction must be one of {get_args(Reconstruction)}; it was {reconstruction!r}."
        )
    check_range(given=x)
    h, mean, log_variance = model.latents(x)
    if reconstruction == "bce":
        error = _cross_entropy(model, h, x).sum(1)
    else:
        error = (model.decode(h) - x).square().flatten(1).sum(1)
    return error + prior_divergence(mean, log_variance)


@torch.no_grad()
def cross_entropy_error(model: CAE, x: Tensor) -> Tensor:
    """Cross-entropy of each image and its reconstruction, `[n]` nats; higher is more anomalous.

    Averaged over pixels and channels, for a CAE too. A perfect reconstruction does not have 0: grey
    pixels leave their own entropy. `x` `[n, c, 28, 28]`; raises BadInput outside [0, 1].
    Source: kwon2020gradcon, "Recon" of the VAE; loss of methods.md 1.7.
    """
    return _cross_entropy(model, model.encode(x), x).mean(1)


def _cross_entropy(model: CAE, h: Tensor, x: Tensor) -> Tensor:
    """Binary cross-entropy of each pixel, `[n, pixels]`."""
    check_range(given=x)
    logits = pixel_logits(model, h)
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1)


def _check_variational(model: object) -> None:
    if not isinstance(model, VAE):
        raise BadInput(
            "This score needs the posterior of a variational autoencoder; "
            f"a {type(model).__name__} has none."
        )
