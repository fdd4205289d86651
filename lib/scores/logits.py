"""Scores that need nothing but a classifier's logits."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lib.errors import BadInput

FLOOR = -700.0  # logarithms below this leave float64's range: see `_exp_in_order`
NEGLIGIBLE = -40.0  # logarithm of a probability that 1 + p does not show in float64


def max_probability(logits: Tensor) -> Tensor:
    """One less the largest softmax probability, `[n]` in [0, 1), float64; higher: more anomalous.

    Logits `[n, classes]`. Computed in log space as the sum of all other probabilities, so that two
    sure images keep their order: of them the difference from 1 would be lost in rounding. Below
    1e-304 only the order is right. Raises BadInput for fewer than two classes, other shapes, and
    logits that are not finite. Source: hendrycks2017baseline.
    """
    return _exp_in_order(_log_others(_log_softmax(logits)).logsumexp(-1))


def entropy(logits: Tensor) -> Tensor:
    """Entropy of the softmax in nats, `[n]` in [0, log classes], float64; higher: more anomalous.

    Logits `[n, classes]`. Precision, range and errors as in `max_probability`.
    Source: dietterich2021representation, classifier indecision.
    """
    others = _log_others(_log_softmax(logits))
    rest = others.logsumexp(-1)
    bits = others.neg().clamp(max=1e300)  # finite where p is 0
    small = (others + bits.log()).logsumexp(-1)  # the logarithm of the sum of p · -log p
    r = rest.exp()
    # the largest probability is 1 - r; its part -(1 - r) · log(1 - r) becomes r where r is small
    large = torch.where(rest > NEGLIGIBLE, ((1 - r) * -torch.log1p(-r)).log(), rest)
    return _exp_in_order(torch.logaddexp(small, large))


def max_logit(logits: Tensor) -> Tensor:
    """Minus the largest logit, `[n]`; higher is more anomalous.

    Logits `[n, classes]`, or any values that are high for the class that fits, such as the cosines
    of a Generalized ODIN head. Raises BadInput as `max_probability` does.
    Source: dietterich2021representation, classifier indecision, with its sign set right.
    """
    return -_checked(logits).amax(-1)


def energy(logits: Tensor, *, temperature: float = 1.0) -> Tensor:
    """Free energy, minus T · log of the sum of exp(logit / T), `[n]`; higher is more anomalous.

    Logits `[n, classes]`; `temperature` T above 0. Raises BadInput as `max_probability` does, and
    for another temperature. Source: liu2020energy.
    """
    return -temperature * torch.logsumexp(_checked(logits) / checked_temperature(temperature), -1)


# by the names that the result rows have
LOGIT_TABLE: dict[str, Callable[..., Tensor]] = {
    "max probability": max_probability,
    "entropy": entropy,
    "max logit": max_logit,
    "energy": energy,
}


def ensemble_max_logit(members: Tensor) -> Tensor:
    """Minus the mean of the members' largest logits, `[n]`; higher is more anomalous.

    Logits `[members, n, classes]`; each member's largest may be that of another class. Raises
    BadInput as `max_probability` does.
    Source: dietterich2021representation, deep ensembles; averages of methods.md 4.7.
    """
    return -_checked(members, ndim=3).amax(-1).mean(0)


def checked_temperature(temperature: float) -> float:
    """The temperature itself if it is above 0 and finite. Raises BadInput otherwise."""
    if not 0 < temperature < float("inf"):
        raise BadInput(f"The temperature must be above 0, but {temperature} came.")
    return temperature


def _log_softmax(logits: Tensor) -> Tensor:
    return torch.log_softmax(_checked(logits).double(), -1)


def _log_others(log_probabilities: Tensor) -> Tensor:
    """The log-probabilities with the largest of each image put to minus infinity."""
    largest = log_probabilities.argmax(-1, keepdim=True)
    return log_probabilities.scatter(-1, largest, -torch.inf)


def _exp_in_order(log: Tensor) -> Tensor:
    """exp, but for values below 1e-304, which would round to 0: there a number that keeps order."""
    return torch.where(log > FLOOR, log.exp(), math.exp(FLOOR) * FLOOR / log)


def _checked(logits: Tensor, *, ndim: int = 2) -> Tensor:
    """The logits without their graph, in float32 at least: stored ones come in float16."""
    if logits.ndim != ndim or logits.shape[-1] < 2 or (ndim == 3 and not len(logits)):
        wanted = "[n, classes]" if ndim == 2 else "[members, n, classes]"
        raise BadInput(
            f"Logits must have the shape {wanted}, of at least two classes, "
            f"but {list(logits.shape)} came."
        )
    if not logits.isfinite().all():
        raise BadInput("Logits must be finite, but NaN or infinity came.")
    found = logits.detach()
    return found if found.dtype == torch.float64 else found.float()
