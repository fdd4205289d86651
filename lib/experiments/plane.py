"""Networks of points in the plane, where the density, its slope and its curvature are known."""

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lib import scores, training
from lib.data import mixture
from lib.metrics import field_agreement, weighted_correlation
from lib.models import ToyAutoencoder, ToyDenoisingClassifier, build

Points = NDArray[np.float32]
Values = NDArray[np.float64]
Kind = Literal["denoising", "contractive"]
AGREEMENT = ("slope", "cosine")


def mixture_autoencoder(kind: Kind, *, noise: float, seed: int, steps: int) -> ToyAutoencoder:
    """An autoencoder of `mixture.MIXTURE` in evaluation mode, held back by noise or a penalty.

    A contractive one has the smooth activation that its penalty needs.
    """
    options: dict[str, Any] = {"generator": training.generator(seed, "toy batches")}
    options |= {"noise": noise, "contractive": kind == "contractive", "steps": steps}
    activation = "tanh" if kind == "contractive" else "relu"
    model = build(lambda: ToyAutoencoder(activation=activation), training.generator(seed, "toy"))
    training.fit_toy_autoencoder(model, mixture.MIXTURE.sample, **options)
    return model


def moved(model: nn.Module, points: Points, *, noise: float) -> Values:
    """The slope of the log-density that a network believes in: (r(x) - x)/noise², `[n, 2]`.

    Source: alain2014regularized.
    """
    drawn = scores.in_batches(model, torch.from_numpy(points)).double().numpy()
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
    estimate, values = moved(model, points, noise=noise), {}
    for against, smoothing in (("smoothed density", noise), ("clean density", 0.0)):
        truth = mixture.MIXTURE.score(points, smoothing=smoothing)
        agreement = field_agreement(estimate, truth, density)
        for name in AGREEMENT:
            values[against, name] = float(getattr(agreement, name))
    wanted = mixture.optimal_trace(mixture.MIXTURE, points, sigma=noise)
    trace = scores.jacobian_trace(model, torch.from_numpy(points), batch_size=len(points))
    correlation = weighted_correlation(trace.double().numpy(), wanted, density)
    values["trace of the Jacobian", "correlation"] = correlation
    return values


def ring_network(
    points: Points, labels: NDArray[np.int64], *, noise: float, seed: int, steps: int
) -> ToyDenoisingClassifier:
    """Classifier and denoising autoencoder of `rings` in one network, in evaluation mode."""
    network = build(ToyDenoisingClassifier, training.generator(seed, "ring network"))
    draw = training.generator(seed, "ring batches")
    both = torch.from_numpy(points), torch.from_numpy(labels)
    training.fit_toy_denoising_classifier(network, *both, generator=draw, noise=noise, steps=steps)
    return network


def ring_functions(
    network: ToyDenoisingClassifier, points: Points, *, alpha: float, beta: float
) -> dict[str, Values]:
    """Largest output, confidence and scaled output at `points` `[n, 2]`, each `[n]` in [0, 1].

    Each with and without the curvature factor, which is there by itself as well.
    Source: spigler2019denoising, "Results".
    """
    x = torch.from_numpy(points)
    output = scores.in_batches(network.probabilities, x).amax(1).double()
    redrawn = scores.in_batches(network.reconstruct, x)
    plain = scores.log_confidence(x, redrawn, alpha=alpha).exp().double()
    trace = scores.jacobian_trace(network.reconstruct, x, batch_size=len(x))
    gamma = scores.curvature(trace.double(), size=2)
    factor = scores.log_curvature_factor(gamma, beta=beta).exp()
    found = {
        "classifier": output,
        "confidence without Γ": plain,
        "Γ": factor,
        "confidence": plain * factor,
        "scaled output without Γ": output * plain,
        "scaled output": output * plain * factor,
    }
    return {name: np.asarray(values, np.float64) for name, values in found.items()}
