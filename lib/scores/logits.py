"""Scores that need nothing but a classifier's logits."""

import torch
from torch import Tensor

from lib.errors import BadInput


def max_probability(logits: Tensor) -> Tensor:
    """One less the largest softmax probability, `[n]` in [0, 1); higher is more anomalous.

    Logits `[n, classes]`. Computed as the sum of all other probabilities: of a sure image the
    difference from 1 would be lost in rounding. Raises BadInput for fewer than two classes, other
    shapes, and logits that are not finite. Source: hendrycks2017baseline.
    """
    return _others(_softmax(logits)).sum(-1)


def entropy(logits: Tensor) -> Tensor:
    """Entropy of the softmax in nats, `[n]` in [0, log classes]; higher is more anomalous.

    Logits `[n, classes]`. Raises BadInput as `max_probability` does.
    Source: dietterich2021representation, classifier indecision.
    """
    others = _others(_softmax(logits))
    rest = others.sum(-1)
    # the largest probability is 1 - rest, whose logarithm keeps its digits this way alone
    small: Tensor = torch.special.entr(others).sum(-1)
    return small - (1 - rest) * torch.log1p(-rest)


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


def ensemble_max_probability(members: Tensor) -> Tensor:
    """`max_probability` of an ensemble, `[n]` in [0, 1); higher is more anomalous.

    The members' probabilities are averaged first. Logits `[members, n, classes]` of networks
    trained apart from each other. Raises BadInput as `max_probability` does.
    Source: dietterich2021representation, deep ensembles; averages of methods.md 4.7.
    """
    return _others(_softmax(members, ndim=3).mean(0)).sum(-1)


def ensemble_max_logit(members: Tensor) -> Tensor:
    """Minus the mean of the members' largest logits, `[n]`; higher is more anomalous.

    Logits `[members, n, classes]`; each member's largest may be that of another class. Raises
    BadInput as `max_probability` does. Source: as `ensemble_max_probability`.
    """
    return -_checked(members, ndim=3).amax(-1).mean(0)


def checked_temperature(temperature: float) -> float:
    """The temperature itself if it is above 0 and finite. Raises BadInput otherwise."""
    if not 0 < temperature < float("inf"):
        raise BadInput(f"The temperature must be above 0, but {temperature} came.")
    return temperature


def _softmax(logits: Tensor, *, ndim: int = 2) -> Tensor:
    return torch.softmax(_checked(logits, ndim=ndim), -1)


def _others(probabilities: Tensor) -> Tensor:
    """The probabilities with the largest of each image put to 0."""
    return probabilities.scatter(-1, probabilities.argmax(-1, keepdim=True), 0.0)


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
