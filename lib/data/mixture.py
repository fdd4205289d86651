"""A mixture of Gaussians in the plane whose log-density has known gradients."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

Values = NDArray[np.float64]


@dataclass(frozen=True)
class GaussianMixture:
    """A mixture of k Gaussians in the plane, with its log-density and that one's derivatives.

    `weights` `[k]` above 0 with sum 1, `means` `[k, 2]`, `covariances` `[k, 2, 2]` symmetric and
    positive definite. In the methods `smoothing` is the standard deviation sigma of isotropic
    Gaussian noise: they then describe the density of x + sigma·epsilon, whose covariances are
    larger by sigma² on the diagonal. Points `[n, 2]`, answers float64.
    """

    weights: Sequence[float]
    means: Sequence[Sequence[float]]
    covariances: Sequence[Sequence[Sequence[float]]]

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """`n` points drawn independently, float32 `[n, 2]` on the generator's device."""
        device = generator.device
        weights, means, covariances = (
            torch.as_tensor(a, dtype=torch.float64, device=device) for a in self._arrays()
        )
        part = torch.multinomial(weights, n, replacement=True, generator=generator)
        drawn = torch.randn((n, 2), generator=generator, dtype=torch.float64, device=device)
        root = torch.linalg.cholesky(covariances)[part]  # [n, 2, 2]
        x: Tensor = means[part] + (root @ drawn[..., None])[..., 0]
        return x.float()

    def log_density(self, x: ArrayLike, smoothing: float = 0.0) -> Values:
        """Natural logarithm of the density at points `[n, 2]`, float64 `[n]`; high is likely."""
        log_joint, _, _ = self._parts(x, smoothing)
        return _log_sum(log_joint)

    def score(self, x: ArrayLike, smoothing: float = 0.0) -> Values:
        """Gradient of the log-density at points `[n, 2]`, float64 `[n, 2]`; it points uphill.

        Not an anomaly score: the word is the statisticians' for this gradient.
        Source: alain2014regularized, the left side of its main theorem.
        """
        log_joint, gradients, _ = self._parts(x, smoothing)
        share = np.exp(log_joint - _log_sum(log_joint)[:, None])
        found: Values = (share[..., None] * gradients).sum(1)
        return found

    def laplacian(self, x: ArrayLike, smoothing: float = 0.0) -> Values:
        """Trace of the Hessian of the log-density at points `[n, 2]`, float64 `[n]`.

        Below 0 near a maximum, above 0 in a valley between maxima.
        Source: alain2014regularized, for the Hessian's part in the Jacobian of r.
        """
        log_joint, gradients, traces = self._parts(x, smoothing)
        share = np.exp(log_joint - _log_sum(log_joint)[:, None])
        mean = (share[..., None] * gradients).sum(1, keepdims=True)
        # the spread of the parts' gradients, so that no large squares are subtracted
        spread = ((gradients - mean) ** 2).sum(2)
        found: Values = (share * (spread - traces)).sum(1)
        return found

    def _arrays(self) -> tuple[Values, Values, Values]:
        return (
            np.asarray(self.weights, dtype=np.float64),
            np.asarray(self.means, dtype=np.float64),
            np.asarray(self.covariances, dtype=np.float64),
        )

    def _parts(self, x: ArrayLike, smoothing: float) -> tuple[Values, Values, Values]:
        """Of each part: log of weight·density `[n, k]`, its gradient `[n, k, 2]`, trace of the
        precision `[k]`.
        """
        points = np.asarray(x, np.float64)
        weights, means, covariances = self._arrays()
        widened = covariances + smoothing**2 * np.eye(2)
        precision = np.linalg.inv(widened)
        away = points[:, None] - means  # [n, k, 2]
        gradients: Values = -np.einsum("kij,nkj->nki", precision, away)
        constant = np.log(weights) - np.log(2 * np.pi) - np.linalg.slogdet(widened)[1] / 2
        log_joint: Values = constant + (away * gradients).sum(2) / 2
        return log_joint, gradients, np.trace(precision, axis1=1, axis2=2)


# unequal in weight and width, so that no symmetry hides an error; the first is a narrow ridge
MIXTURE = GaussianMixture(
    weights=(0.5, 0.3, 0.2),
    means=((-0.8, 0.6), (0.9, 0.8), (0.4, -0.9)),
    covariances=(
        ((0.20, 0.14), (0.14, 0.13)),
        ((0.09, 0.00), (0.00, 0.09)),
        ((0.05, 0.00), (0.00, 0.05)),
    ),
)


def optimal_denoiser(mixture: GaussianMixture, x: ArrayLike, *, sigma: float) -> Values:
    """The mean of the clean point, given each noisy point `[n, 2]`: x + sigma²·score, `[n, 2]`.

    No reconstruction has a smaller expected squared error when noise of standard deviation `sigma`
    was added. The score is that of the density smoothed by `sigma`, and the identity is exact for
    every `sigma` (Tweedie's and Miyasawa's formula); alain2014regularized has its limit for small
    ones, where smoothed and clean density agree.
    Source: alain2014regularized, theorem 1, in the exact form.
    """
    return np.asarray(x, np.float64) + sigma**2 * mixture.score(x, smoothing=sigma)


def optimal_trace(mixture: GaussianMixture, x: ArrayLike, *, sigma: float) -> Values:
    """Trace of the Jacobian of `optimal_denoiser` at points `[n, 2]`: 2 + sigma²·Laplacian, `[n]`.

    Never below 0; below 2 near a maximum of the smoothed density, above 2 in its valleys. Half of
    it less 1 is the gamma of spigler2019denoising.
    Source: alain2014regularized, for the Jacobian; spigler2019denoising, for gamma.
    """
    return 2 + sigma**2 * mixture.laplacian(x, smoothing=sigma)


def _log_sum(log_joint: Values) -> Values:
    largest = log_joint.max(1)  # without it, exp would be 0 far away from all the parts
    found: Values = largest + np.log(np.exp(log_joint - largest[:, None]).sum(1))
    return found
