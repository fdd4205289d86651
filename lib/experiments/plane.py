"""Autoencoders of points in the plane, where the density, its slope and its curvature are known."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lib.data import mixture
from lib.metrics import field_agreement, weighted_correlation
from lib.models import ToyAutoencoder, ToyDenoisingClassifier, build
from lib.scores import (
    curvature,
    in_batches,
    jacobian_trace,
    log_confidence,
    log_curvature_factor,
)
from lib.training import (
    fit_toy_cae,
    fit_toy_dae,
    fit_toy_denoising_classifier,
    generator,
)

Points = NDArray[np.float32]
Values = NDArray[np.float64]
Network = Callable[[Tensor], Tensor]
Kind = Literal["denoising", "contractive"]
AGREEMENT = {"slope": "slope", "r2": "R²", "cosine": "cosine"}


def mixture_autoencoder(kind: Kind, *, noise: float, seed: int, steps: int) -> ToyAutoencoder:
    """An autoencoder of `mixture.MIXTURE` in evaluation mode, held back by noise or a penalty.

    A contractive one has the weight `noise`² on its Jacobian, and a smooth activation, which that
    penalty needs. Raises BadInput as `fit_toy_dae` and `fit_toy_cae` do.
    """
    activation = "tanh" if kind == "contractive" else "relu"
    model = build(lambda: ToyAutoencoder(activation=activation), generator(seed, "toy"))
    batches, sample = generator(seed, "toy batches"), mixture.MIXTURE.sample
    if kind == "contractive":
        fit_toy_cae(model, sample, contraction=noise**2, generator=batches, steps=steps)
    else:
        fit_toy_dae(model, sample, noise=noise, generator=batches, steps=steps)
    return model.eval()


def moved(model: nn.Module, points: Points, *, noise: float) -> Values:
    """The slope of the log-density that a network believes in: (r(x) - x)/noise², `[n, 2]`.

    Source: alain2014regularized.
    """
    drawn = in_batches(model, torch.from_numpy(points)).double().numpy()
    return np.asarray((drawn - points) / noise**2, np.float64)


def density_agreement(
    model: nn.Module, points: Points, *, noise: float
) -> dict[tuple[str, str], float]:
    """How `moved` and the Jacobian's trace agree with the mixture's, by (against what, measure).

    Points `[n, 2]` count by the density. The slope is held against that of the density smoothed by
    the noise, which a perfect denoiser has, and of the clean one; the trace against
    `optimal_trace`.
    """
    density = np.exp(mixture.MIXTURE.log_density(points))
    estimate, found = moved(model, points, noise=noise), {}
    for against, smoothing in (("smoothed density", noise), ("clean density", 0.0)):
        truth = mixture.MIXTURE.score(points, smoothing=smoothing)
        agreement = field_agreement(estimate, truth, density)
        for name, metric in AGREEMENT.items():
            found[against, metric] = float(getattr(agreement, name))
    wanted = mixture.optimal_trace(mixture.MIXTURE, points, sigma=noise)
    correlation = weighted_correlation(_trace(model, points), wanted, density)
    found["trace of the Jacobian", "correlation"] = correlation
    return found


def ring_network(
    points: Points, labels: NDArray[np.int64], *, noise: float, seed: int, steps: int
) -> ToyDenoisingClassifier:
    """Classifier and denoising autoencoder of `rings` in one network, in evaluation mode."""
    network = build(ToyDenoisingClassifier, generator(seed, "ring network"))
    fit_toy_denoising_classifier(
        network,
        torch.from_numpy(points),
        torch.from_numpy(labels),
        generator=generator(seed, "ring batches"),
        noise=noise,
        steps=steps,
    )
    return network


def ring_functions(
    network: ToyDenoisingClassifier, points: Points, *, alpha: float, beta: float
) -> dict[str, Values | Points]:
    """Largest output, confidence and scaled output at `points` `[n, 2]`, each `[n]` in [0, 1].

    Each with and without the curvature factor, which is there by itself as well.
    Source: spigler2019denoising, "Results".
    """
    x = torch.from_numpy(points)
    output = in_batches(network.probabilities, x).amax(1).numpy()
    redrawn = in_batches(network.reconstruct, x)
    confidence = log_confidence(x, redrawn, alpha=alpha).exp().numpy()
    gamma = curvature(torch.from_numpy(_trace(network.reconstruct, points)), size=2)
    factor = log_curvature_factor(gamma, beta=beta).exp().numpy()
    return {
        "classifier": output,
        "confidence without Γ": confidence,
        "Γ": factor,
        "confidence": confidence * factor,
        "scaled output without Γ": output * confidence,
        "scaled output": output * confidence * factor,
    }


def _trace(model: Network, points: Points) -> Values:
    found = jacobian_trace(model, torch.from_numpy(points), batch_size=len(points))
    traces: Values = found.double().numpy()
    return traces
