"""The variational autoencoder of GradCon: the CAE's two halves with Gaussian latents between."""

from typing import Literal

import torch
from torch import Tensor, nn

from lib.errors import BadInput
from lib.models.cae import CAE

LATENT = 64 * 3 * 3
# What a pixel is taken to be around its drawn value: Gaussian or Bernoulli, less their constants.
Reconstruction = Literal["squared", "bce"]


class VAE(CAE):
    """GradCon's variational autoencoder: the CAE's encoder and decoder, 576 Gaussian latents.

    Input and output `[n, channels, 28, 28]` in [0, 1]. 1,227,777 parameters for one channel,
    1,229,827 for three. Called, it draws from the mean of the posterior and nothing is random.
    What a CAE calls its latent map is here the decoder's input, `[n, 64, 3, 3]`: the latents after
    one more linear layer. Raises BadInput for images or noise of another shape.
    Source: kwon2020gradcon, layer list of the official code.
    """

    def __init__(self, channels: int = 1) -> None:
        super().__init__(channels)  # first, so that one seed gives both halves the CAE's weights
        self.to_mean = nn.Linear(LATENT, LATENT)
        self.to_log_variance = nn.Linear(LATENT, LATENT)
        self.to_map = nn.Linear(LATENT, LATENT)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance, each `[n, 576]`, of q(z|x) for images `[n, channels, 28, 28]`."""
        h = super().encode(x).flatten(1)
        mean: Tensor = self.to_mean(h)
        log_variance: Tensor = self.to_log_variance(h)
        return mean, log_variance

    def latents(self, x: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """The decoder's input `[n, 64, 3, 3]`, and mean and log variance of the posterior.

        z = mean + standard deviation · `noise` `[n, 576]`; without noise, the mean.
        """
        mean, log_variance = self.posterior(x)
        z = mean
        if noise is not None:
            if noise.shape != mean.shape:
                raise BadInput(
                    f"The noise for these images must have the shape {list(mean.shape)}; "
                    f"it has {list(noise.shape)}."
                )
            z = mean + (0.5 * log_variance).exp() * noise
        h: Tensor = self.to_map(z)
        return h.unflatten(1, (64, 3, 3)), mean, log_variance

    def encode(self, x: Tensor) -> Tensor:
        """The decoder's input `[n, 64, 3, 3]` at the mean of the posterior."""
        return self.latents(x)[0]

    def sample(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """A drawn reconstruction of `x`, same shape, and mean and log variance, each `[n, 576]`.

        `noise` `[n, 576]` is standard normal, drawn by the caller.
        """
        h, mean, log_variance = self.latents(x, noise)
        return self.decode(h), mean, log_variance


def prior_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL divergence of N(mean, variance) from the standard normal, `[n]` nats, from `[n, latents]`.

    Source: kwon2020gradcon, KL term of the VAE.
    """
    # expm1: near the prior exp(v) - 1 - v would lose all its digits
    divergence: Tensor = 0.5 * (mean.square() + torch.expm1(log_variance) - log_variance).sum(1)
    return divergence


def pixel_logits(model: CAE, h: Tensor) -> Tensor:
    """What the last sigmoid is given, `[n, c, 28, 28]`, from the decoder's input `[n, 64, 3, 3]`.

    The cross-entropy of logits keeps its gradient where the sigmoid is 0 or 1 to all digits.
    """
    logits: Tensor = model.decoder[:-1](h)
    return logits
