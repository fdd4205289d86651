"""ODIN: a classifier's confidence after a small step of the image towards more of it."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from lib.data import check_range
from lib.errors import BadInput
from lib.models import Classifier, GeneralizedOdinHead
from lib.scores.logits import checked_temperature, max_logit, max_probability

Network = Callable[[Tensor], Tensor]


def odin(
    model: Network,
    x: Tensor,
    *,
    temperature: float = 1000.0,
    epsilon: float = 0.001,
    batch_size: int = 256,
) -> Tensor:
    """One less the largest softmax probability of logits / T, `[n]`; higher is more anomalous.

    Before that each pixel of `x` `[n, c, h, w]` in [0, 1] moves by `epsilon`, in units of the
    image, to where the largest probability at T grows: x - epsilon · sign(-gradient of its log).
    The result is not clipped to [0, 1]; where the gradient is 0 a pixel stays. At `epsilon` 0 this
    is `max_probability` of logits / T. In float64, since at a high T all probabilities are close.
    Costs two forward passes and a backward one. Parameters, their `.grad`, the mode and the random
    state stay as they were. Raises BadInput for a model in training mode, no images, images outside
    [0, 1], an epsilon below 0, a temperature not above 0, and a batch size below 1.
    Source: liang2018odin, temperature scaling and input preprocessing.
    """
    checked_temperature(temperature)

    def confidence(part: Tensor) -> Tensor:
        scaled = model(part).double() / temperature
        return torch.log_softmax(scaled, 1).amax(1)

    def score(part: Tensor) -> Tensor:
        return max_probability(model(part).double() / temperature)

    return _after_a_step(model, x, confidence, score, epsilon, batch_size)


def generalized_odin(
    model: Classifier, x: Tensor, *, epsilon: float = 0.0, batch_size: int = 256
) -> Tensor:
    """Minus the largest cosine h of the head, `[n]` in [-1, 1]; higher is more anomalous.

    The head is that of Generalized ODIN. Before that each pixel moves by `epsilon` to where the
    largest cosine grows; `x`, `epsilon`, price and traces as in `odin`. Raises BadInput as `odin`
    does, and for another head.
    Source: hsu2020generalized, score h and its input perturbation.
    """
    head = model.head
    if not isinstance(head, GeneralizedOdinHead):
        raise BadInput(f"A Generalized ODIN head is needed, but the head is {type(head).__name__}.")

    def confidence(part: Tensor) -> Tensor:
        return head.cosines(model.features(part)).amax(1)

    def score(part: Tensor) -> Tensor:
        return max_logit(head.cosines(model.features(part)))

    return _after_a_step(model, x, confidence, score, epsilon, batch_size)


def _after_a_step(
    model: Network, x: Tensor, confidence: Network, score: Network, epsilon: float, batch_size: int
) -> Tensor:
    """The score of each image moved by epsilon along the sign of its confidence's gradient."""
    # batch norm in training mode mixes the images of a batch and moves its running averages
    if isinstance(model, nn.Module) and any(m.training for m in model.modules()):
        raise BadInput("ODIN needs the model in evaluation mode: call model.eval() first.")
    if x.ndim != 4 or 0 in x.shape:
        raise BadInput(
            f"ODIN needs images [n, c, h, w], at least one of them, but {list(x.shape)} came."
        )
    if batch_size < 1:
        raise BadInput(f"The batch size must be at least 1, but {batch_size} came.")
    if not 0 <= epsilon < float("inf"):
        raise BadInput(f"epsilon must be a number of at least 0, but {epsilon} came.")
    check_range(given=x)
    parts = []
    for part in x.detach().split(batch_size):
        if epsilon:
            with torch.enable_grad():
                leaf = part.clone().requires_grad_()
                # the sum keeps each image's own gradient: no layer mixes images now
                gradient = torch.autograd.grad(confidence(leaf).sum(), leaf)[0]
            part = part + epsilon * gradient.sign()
        with torch.no_grad():
            parts.append(score(part))
    return torch.cat(parts)
