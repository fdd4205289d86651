"""GPND's score: how likely an image is under densities around the generator's manifold."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.stats import gennorm
from torch import Tensor, nn

from lib.errors import BadInput

Network = Callable[[Tensor], Tensor]
Sign = Literal["plus", "minus"]
Values = NDArray[np.float64]
LEAST = 1e-308  # density where no training image fell; its logarithm is -709


@dataclass(frozen=True)
class GPNDDensities:
    """What the normal training images left: one generalised Gaussian per number of the latent
    (`shape`, `location`, `scale`, each `[z]`), and the histogram of reconstruction distances
    (`edges` `[bins + 1]`, `heights` `[bins]` of unit area).
    """

    shape: Values
    location: Values
    scale: Values
    edges: Values
    heights: Values

    def log_latent(self, z: ArrayLike) -> Values:
        """Sum over the latent's numbers of their log-densities, `[n]` for latents `[n, z]`."""
        each = gennorm.logpdf(np.asarray(z, np.float64), self.shape, self.location, self.scale)
        return np.asarray(each.sum(-1), np.float64)

    def log_distance(self, distances: ArrayLike) -> Values:
        """Log-density of distances `[n]`, `[n]`, at least -709.

        Below the histogram its first height falls linearly to 0 at distance 0; beyond the
        histogram and in empty bins the least density holds.
        """
        d = np.asarray(distances, np.float64)
        bins = np.searchsorted(self.edges, d, side="right") - 1
        bins[d == self.edges[-1]] -= 1  # the last bin holds both its edges
        heights = np.concatenate([self.heights, [0.0]])[bins]  # -1 and `bins`: outside
        below = d < self.edges[0]
        heights[below] = self.heights[0] * d[below] / self.edges[0]
        return np.asarray(np.log(np.maximum(heights, LEAST)), np.float64)


def fit_gpnd(codes: ArrayLike, distances: ArrayLike, *, bins: int = 30) -> GPNDDensities:
    """Densities of maximum likelihood of training latents `[n, z]` and distances `[n]`.

    Both are what `codes_and_distances` returns for normal training images. Raises BadInput for
    other shapes, fewer than two images, values that are not finite, a number of the latent or a
    distance that does not vary, a distance below 0, and fewer than one bin.
    Source: pidhorskyi2018gpnd; number of bins of the official code of 2020.
    """
    z, d = np.asarray(codes, np.float64), np.asarray(distances, np.float64)
    if z.ndim != 2 or len(z) < 2 or z.shape[1] < 1 or d.shape != (len(z),):
        raise BadInput(
            "GPND is fitted to codes [n, z] and distances [n] of at least two images, "
            f"but {list(z.shape)} and {list(d.shape)} came."
        )
    if not (np.isfinite(z).all() and np.isfinite(d).all() and (d >= 0).all()):
        raise BadInput("Codes and distances must be finite, distances at least 0.")
    if (np.ptp(z, axis=0) == 0).any() or np.ptp(d) == 0:
        raise BadInput("Each number of the code, and the distance, must vary over the images.")
    if bins < 1:
        raise BadInput(f"The histogram needs at least one bin, but {bins} came.")
    with np.errstate(all="ignore"):  # the search tries shapes that do not fit
        # the search starts at the Gaussian of the same mean and spread, which is of shape 2
        fits = [gennorm.fit(v, 2.0, loc=v.mean(), scale=2**0.5 * v.std()) for v in z.T]
    heights, edges = np.histogram(d, bins=bins, density=True)
    shape, location, scale = np.asarray(fits, np.float64).T
    return GPNDDensities(shape, location, scale, edges.astype(np.float64), heights)


def codes_and_distances(
    encoder: Network, generator: Network, x: Tensor, *, batch_size: int = 256
) -> tuple[Tensor, Tensor]:
    """Latents `[n, z]` and Euclidean distances `[n]` of images to their reconstructions.

    `x` `[n, c, h, w]` in [0, 1]; `encoder` maps it to latents, `generator` those to images. Raises
    BadInput as `gpnd_score` does. Source: pidhorskyi2018gpnd.
    """
    _check(encoder, generator, x)
    if batch_size < 1:
        raise BadInput(f"The batch size must be at least 1, but {batch_size} came.")
    with torch.no_grad():
        pairs = [_encoded(encoder, generator, part) for part in x.split(batch_size)]
    return torch.cat([z for z, _ in pairs]), torch.cat([d for _, d in pairs])


def log_determinant(network: Network, at: Tensor) -> float:
    """Sum of the logarithms of the singular values of the network's Jacobian at one input `at`.

    `at` is without a batch dimension; exact, by as many backward passes as the network has outputs,
    or forward ones as it has inputs, whichever are fewer. Singular values of 0 count as the
    smallest normal float.
    """

    def one(v: Tensor) -> Tensor:
        return network(v[None]).flatten()

    with torch.no_grad():  # no outer graph that would lead to the parameters
        forward = at.numel() < one(at).numel()
        rule = torch.func.jacfwd if forward else torch.func.jacrev
        with warnings.catch_warnings():
            # PyTorch's own rules for forward passes call a function that it deprecates
            warnings.simplefilter("ignore", FutureWarning)
            jacobian = rule(one)(at.detach()).flatten(1)
        values = torch.linalg.svdvals(jacobian)
        return float(values.clamp(min=torch.finfo(values.dtype).tiny).log().sum())


def gpnd_score(
    encoder: Network,
    generator: Network,
    x: Tensor,
    densities: GPNDDensities,
    *,
    sign: Sign = "plus",
    jacobian_of: Literal["encoder", "generator"] = "encoder",
) -> Tensor:
    """Minus GPND's log-density, `[n]` in float64 on the CPU; higher is more anomalous.

    The log-density is ± the log-determinant of a Jacobian, plus that of the latent, plus that of
    the distance to the reconstruction. The official code takes the encoder's Jacobian at x, with
    "plus" in 2018 and "minus" in 2020; the generator's at the latent is its inverse along the
    manifold where the encoder inverts it, so that "minus" there means what "plus" means here.
    Left out is the factor distance^-(pixels - z) of the paper. One image at a time, as the
    official code does from the singular values on.
    `x` `[n, c, h, w]` in [0, 1]. Parameters, their `.grad`, the mode and the random state stay as
    they were. Raises BadInput for networks in training mode, no images `[n, c, h, w]`, an unknown
    option, and a reconstruction of another shape.
    Source: pidhorskyi2018gpnd; signs as methods.md 2.9 found them.
    """
    for name, value, known in (
        ("sign", sign, get_args(Sign)),
        ("jacobian_of", jacobian_of, ("encoder", "generator")),
    ):
        if value not in known:
            raise BadInput(f"{name} must be one of {known}; it was {value!r}.")
    _check(encoder, generator, x)
    found = []
    for image in x:
        with torch.no_grad():
            z, distance = _encoded(encoder, generator, image[None])
        if jacobian_of == "encoder":
            volume = log_determinant(encoder, image)
        else:
            volume = log_determinant(generator, z[0])
        latent = densities.log_latent(z.cpu().numpy())[0]
        apart = densities.log_distance(distance.cpu().numpy())[0]
        found.append(-((volume if sign == "plus" else -volume) + latent + apart))
    return torch.tensor(found, dtype=torch.float64)


def _encoded(encoder: Network, generator: Network, x: Tensor) -> tuple[Tensor, Tensor]:
    z = encoder(x)
    drawn = generator(z)
    if drawn.shape != x.shape:  # broadcasting would go on without a word
        raise BadInput(
            f"The reconstruction must have the shape {list(x.shape)} of the images, "
            f"but {list(drawn.shape)} came."
        )
    return z, (x - drawn).flatten(1).norm(dim=1)


def _check(encoder: Network, generator: Network, x: Tensor) -> None:
    for network in (encoder, generator):
        # batch norm in training mode has no Jacobian of one image, and moves its averages
        if isinstance(network, nn.Module) and any(m.training for m in network.modules()):
            raise BadInput("GPND needs evaluation mode: call eval() on both networks first.")
    if x.ndim != 4 or 0 in x.shape:
        raise BadInput(
            f"GPND needs images [n, c, h, w], at least one of them, but {list(x.shape)} came."
        )
