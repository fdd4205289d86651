"""Training of small networks on points in the plane."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lib.errors import BadInput
from lib.models.toy import ToyDenoisingClassifier
from lib.training.checks import check_counts, check_not_negative

Draw = Callable[[int, torch.Generator], Tensor]
RECORDED = 100  # steps per recorded loss


def fit_toy_autoencoder(
    model: nn.Module,
    draw: Draw,
    *,
    generator: torch.Generator,
    noise: float,
    contractive: bool = False,
    steps: int = 4000,
    batch_size: int = 512,
) -> list[float]:
    """Train an autoencoder of points in place; its loss, mean over each 100 steps.

    Loss of a denoising one: |r(x + `noise`·epsilon) - x|², the noisy points not clipped; with
    enough capacity and steps r becomes `optimal_denoiser`. Of a `contractive` one: |r(x) - x|² +
    `noise`²·|dr/dx|², the squared Frobenius norm of the exact Jacobian, taken point by point, so
    that batch norm is out of place; it agrees with the other up to second order in the noise. Take
    a smooth activation for it: where a ReLU bends, its Jacobian jumps, which no gradient sees.
    `draw(n, generator)` gives n clean points `[n, 2]` on the model's device. Adam, whose rate falls
    along half a cosine to 0; the model ends in evaluation mode.
    Raises BadInput for counts not above 0, a noise below 0, and points or reconstructions of
    another shape. Source: alain2014regularized; sizes of methods.md 5.8.
    """
    check_not_negative(noise=noise)

    def loss() -> Tensor:
        x = draw(batch_size, generator)
        if not contractive:
            drawn = torch.randn(x.shape, generator=generator).to(x.device)
            return _squared_distance(model(x + noise * drawn), x)
        x = x.detach().requires_grad_()
        r = model(x)
        return _squared_distance(r, x) + noise**2 * _jacobian_square(r, x)

    return _descend(model, loss, steps, batch_size, 3e-3, end=0.0)


def fit_toy_denoising_classifier(
    model: ToyDenoisingClassifier,
    points: Tensor,
    labels: Tensor,
    *,
    generator: torch.Generator,
    noise: float = 0.2,
    steps: int = 50_000,
    batch_size: int = 64,
) -> list[float]:
    """Train classifier and autoencoder of one network together; the loss over each 100 steps.

    Loss: cross-entropy of the logits + |r(x + noise·epsilon) - x|², both of the same noisy points;
    Adam at 1e-3. `points` `[n, 2]` and `labels` int64 `[n]` from 0 to classes - 1, on the model's
    device; batches are drawn with replacement. Raises BadInput as `fit_toy_autoencoder` does, and
    for labels that do not fit.
    Source: spigler2019denoising, "Results"; settings of its final paper (methods.md 5.8).
    """
    check_not_negative(noise=noise)
    if labels.shape != (len(points),) or not 0 <= labels.min() <= labels.max() < model.classes:
        raise BadInput(f"Labels must be {len(points)} numbers from 0 to {model.classes - 1}.")

    def loss() -> Tensor:
        rows = torch.randint(len(points), (batch_size,), generator=generator).to(points.device)
        x = points[rows]
        drawn = torch.randn(x.shape, generator=generator).to(x.device)
        logits, r = model.both(x + noise * drawn)
        return F.cross_entropy(logits, labels[rows]) + _squared_distance(r, x)

    return _descend(model, loss, steps, batch_size, 1e-3, end=1e-3)


def _descend(
    model: nn.Module,
    loss: Callable[[], Tensor],
    steps: int,
    batch_size: int,
    rate: float,
    *,
    end: float,
) -> list[float]:
    check_counts(steps=steps, batch_size=batch_size)
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    rates = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps, eta_min=end)
    losses = torch.zeros(steps)
    model.train()
    for step in range(steps):
        error = loss()
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
        rates.step()
        losses[step] = error.detach()
    model.eval()
    return [float(part.mean()) for part in losses.split(RECORDED)]


def _squared_distance(r: Tensor, x: Tensor) -> Tensor:
    if x.ndim != 2 or r.shape != x.shape:
        raise BadInput(
            f"Points [n, 2] and as many redrawn ones are wanted, not {list(x.shape)} and "
            f"{list(r.shape)}."
        )
    return (r - x).square().sum(1).mean()


def _jacobian_square(r: Tensor, x: Tensor) -> Tensor:
    """Mean over the batch of the squared Frobenius norm of dr/dx, one backward pass per row."""
    total = torch.zeros((), device=x.device)
    for i in range(r.shape[1]):
        (row,) = torch.autograd.grad(r[:, i].sum(), x, create_graph=True)
        total = total + row.square().sum(1).mean()
    return total
