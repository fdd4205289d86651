"""Training of small networks on points in the plane, drawn anew for each step."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lib.errors import BadInput
from lib.models.toy import ToyDenoisingClassifier
from lib.training.checks import check_counts, check_not_negative, check_positive

Draw = Callable[[int, torch.Generator], Tensor]
RECORDED = 100  # steps per recorded loss


def drawn_from(points: Tensor) -> Draw:
    """The law that draws rows of `points` `[n, 2]` with replacement, for a fixed training set.

    Raises BadInput for points of another shape and for no points.
    """
    _check_points(points, "The training set")

    def draw(n: int, generator: torch.Generator) -> Tensor:
        return points[torch.randint(len(points), (n,), generator=generator).to(points.device)]

    return draw


def fit_toy_dae(
    model: nn.Module,
    draw: Draw,
    *,
    generator: torch.Generator,
    noise: float,
    steps: int = 4000,
    batch_size: int = 512,
    learning_rate: float = 3e-3,
    anneal: bool = True,
) -> list[float]:
    """Train a denoising autoencoder in place with Adam; its loss, mean over each 100 steps.

    Loss: |r(x + `noise`·epsilon) - x|², squared distance in the plane, mean over the batch; the
    noisy points are not clipped. With enough capacity and steps r becomes `optimal_denoiser`'s,
    whose loss is the noise that cannot be taken away, not 0. `draw(n, generator)` gives n clean
    points `[n, 2]` on the model's device. With `anneal` the learning rate falls along half a
    cosine to 0. The last entry is the mean over what is left where 100 does not divide `steps`.
    The model ends in evaluation mode. All draws come from `generator`.
    Raises BadInput for counts or a rate not above 0, a noise below 0, and points or
    reconstructions of another shape.
    Source: alain2014regularized, the denoising loss; sizes of methods.md 5.8.
    """
    check_not_negative(noise=noise)

    def loss() -> Tensor:
        x = _drawn(draw, batch_size, generator)
        drawn = torch.randn(x.shape, generator=generator).to(x.device)
        return _squared_distance(model(x + noise * drawn), x)

    return _descend(model, loss, steps, batch_size, learning_rate, anneal)


def fit_toy_cae(
    model: nn.Module,
    draw: Draw,
    *,
    generator: torch.Generator,
    contraction: float,
    steps: int = 4000,
    batch_size: int = 512,
    learning_rate: float = 3e-3,
    anneal: bool = True,
) -> list[float]:
    """Train a reconstruction-contractive autoencoder in place; its loss, mean over each 100 steps.

    Loss: |r(x) - x|² + `contraction`·|dr/dx|², the latter the squared Frobenius norm of the exact
    Jacobian; mean over the batch. A `contraction` of sigma² agrees with `fit_toy_dae`'s loss at
    noise sigma up to second order in sigma where r(x) is near x. The Jacobian is taken point by
    point, so the model must not mix the points of a batch, as batch norm does. Take a
    smooth activation, such as "tanh": where a ReLU network bends, its Jacobian jumps, which no
    gradient sees, and on `MIXTURE` it stayed near one linear shrinkage of the whole plane.
    Everything else is as in `fit_toy_dae`. Raises BadInput as it does, for a
    contraction below 0 in place of the noise.
    Source: alain2014regularized, the contractive loss on the reconstruction function.
    """
    check_not_negative(contraction=contraction)

    def loss() -> Tensor:
        x = _drawn(draw, batch_size, generator).detach().requires_grad_()
        r = model(x)
        error = _squared_distance(r, x)
        return error + contraction * _jacobian_square(r, x)

    return _descend(model, loss, steps, batch_size, learning_rate, anneal)


def fit_toy_denoising_classifier(
    model: ToyDenoisingClassifier,
    points: Tensor,
    labels: Tensor,
    *,
    generator: torch.Generator,
    noise: float = 0.2,
    steps: int = 50_000,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
) -> list[float]:
    """Train classifier and autoencoder of one network together; the loss over each 100 steps.

    Loss: cross-entropy of the logits + |r(x + noise·epsilon) - x|², both of the same noisy points,
    mean over the batch; Adam without decay. `points` `[n, 2]` and `labels` int64 `[n]` from 0 to
    classes - 1, on the model's device; batches are drawn with replacement. Everything else is as in
    `fit_toy_dae`. Raises BadInput as it does, and for labels that do not fit.
    Source: spigler2019denoising, "Results"; settings of its final paper (methods.md 5.8).
    """
    check_not_negative(noise=noise)
    _check_points(points, "The training set")
    if labels.shape != (len(points),) or labels.dtype != torch.int64:
        raise BadInput(
            f"Labels must be int64 of shape [{len(points)}], one for each point, but are "
            f"{labels.dtype} of shape {list(labels.shape)}."
        )
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= model.classes:
        raise BadInput(
            f"Labels must lie between 0 and {model.classes - 1}, but reach from {low} to {high}."
        )

    def loss() -> Tensor:
        rows = torch.randint(len(points), (batch_size,), generator=generator).to(points.device)
        x = points[rows]
        drawn = torch.randn(x.shape, generator=generator).to(x.device)
        logits, r = model.both(x + noise * drawn)
        return F.cross_entropy(logits, labels[rows]) + _squared_distance(r, x)

    return _descend(model, loss, steps, batch_size, learning_rate, anneal=False)


def _descend(
    model: nn.Module,
    loss: Callable[[], Tensor],
    steps: int,
    batch_size: int,
    learning_rate: float,
    anneal: bool,
) -> list[float]:
    check_counts(steps=steps, batch_size=batch_size)
    check_positive(learning_rate=learning_rate)
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate)
    end = 0.0 if anneal else learning_rate
    rates = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps, eta_min=end)
    losses = torch.zeros(steps)
    model.train()
    for step in range(steps):
        found = loss()
        optimiser.zero_grad()
        found.backward()
        optimiser.step()
        rates.step()
        losses[step] = found.detach()
    model.eval()
    return [float(part.mean()) for part in losses.split(RECORDED)]


def _squared_distance(r: Tensor, x: Tensor) -> Tensor:
    if r.shape != x.shape:
        raise BadInput(
            f"The model must return points {list(x.shape)}, but {list(r.shape)} came out of it."
        )
    return (r - x).square().sum(1).mean()


def _jacobian_square(r: Tensor, x: Tensor) -> Tensor:
    """Mean over the batch of the squared Frobenius norm of dr/dx, one backward pass per row."""
    total = torch.zeros((), device=x.device)
    for i in range(r.shape[1]):
        (row,) = torch.autograd.grad(r[:, i].sum(), x, create_graph=True)
        total = total + row.square().sum(1).mean()
    return total


def _drawn(draw: Draw, n: int, generator: torch.Generator) -> Tensor:
    x = draw(n, generator)
    _check_points(x, "What was drawn")
    return x


def _check_points(x: Tensor, what: str) -> None:
    if x.ndim != 2 or x.shape[1] != 2 or not len(x):
        raise BadInput(f"{what} must be points [n, 2], at least one, but {list(x.shape)} came.")
