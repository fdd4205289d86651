"""The Fisher kernel: two images compared by how each would change the decoder's weights."""

import math
from collections.abc import Iterator, Sequence
from functools import reduce

import torch
from torch import Tensor

from lib.errors import BadInput
from lib.models import CAE, decoder_weights
from lib.scores.gradients import CHUNK, traced

STORED = 512  # images whose Fisher scores are held at once, half a megabyte each

# Throughout, u is the Fisher score: the gradient of -|x - model(x)|²/2, the log-likelihood of a
# Gaussian of variance 1 less its constant, in the four decoder weights taken as one long vector.
# It is -(c·h·w / 2) times what `decoder_gradients` gives.


@torch.no_grad()
def fisher_diagonal(model: CAE, train: Tensor, *, damping: float = 1e-3) -> list[Tensor]:
    """Diagonal of the Fisher information F, one tensor above 0 per decoder weight.

    The mean of u² over the images `train` `[n, c, 28, 28]`, and on top `damping` times the mean of
    that over all numbers of all four weights: without it those that no image moves would weigh
    without bound. Raises BadInput for a damping not above 0, images that `decoder_gradients`
    refuses, and images whose gradients are all 0 or not finite.
    Source: kwon2020gradcon, Fisher information of the slides; diagonal and damping of methods.md
    1.9.
    """
    if not (math.isfinite(damping) and damping > 0):
        raise BadInput(f"The damping must be a number above 0; it was {damping!r}.")
    squares = reduce(torch.add, (u.square().sum(0) for u in _scores(model, train))) / len(train)
    level = squares.mean()
    if not (level > 0 and level.isfinite()):
        raise BadInput("The Fisher information needs gradients that are finite and not all 0.")
    return _as_weights(model, squares + damping * level)


@torch.no_grad()
def mean_fisher_score(model: CAE, train: Tensor) -> list[Tensor]:
    """Mean of u over the images `train` `[n, c, 28, 28]`, one tensor per decoder weight.

    Raises BadInput as `decoder_gradients` does.
    """
    total = reduce(torch.add, (u.sum(0) for u in _scores(model, train)))
    return _as_weights(model, total / len(train))


@torch.no_grad()
def fisher_kernel(model: CAE, a: Tensor, b: Tensor, fisher: Sequence[Tensor]) -> Tensor:
    """K = u(a_i)' F⁻¹ u(b_j) of each two images, `[len(a), len(b)]`, of either sign.

    An inner product, though the slides call it a distance: high means that both ask for the same
    change, and of two images that ask for a large one. Not a score. `a` and `b` `[n, c, 28, 28]` in
    [0, 1]; `fisher` as `fisher_diagonal` gives it. Up to 512 images of `a` are held at once and `b`
    is gone through once for them, so the smaller set should come first. Raises BadInput for a
    diagonal of another shape or not above 0, and as `decoder_gradients` does.
    Source: kwon2020gradcon, Fisher kernel of the slides.
    """
    scale = _inverse_root(model, fisher)
    rows = []
    for part in a.split(STORED):
        held = scale.new_empty(len(part), len(scale))
        for place, u in zip(held.split(CHUNK), _scores(model, part), strict=True):
            torch.mul(u, scale, out=place)
        rows.append(torch.cat([held @ (u * scale).T for u in _scores(model, b)], 1))
    return torch.cat(rows)


@torch.no_grad()
def fisher_score(model: CAE, x: Tensor, mean: Sequence[Tensor], fisher: Sequence[Tensor]) -> Tensor:
    """Minus the cosine of u(x) and the mean training u in the metric F⁻¹, `[n]` in [-1, 1].

    -u(x)'F⁻¹m / sqrt(u(x)'F⁻¹u(x) · m'F⁻¹m), m = `mean` of `mean_fisher_score`; higher is more
    anomalous. One cosine over all four weights together, unlike `gradient_score`: F has already
    brought their lengths to one scale. 0 where u(x) or m is 0. Inputs and refusals as in
    `fisher_kernel`, the mean's shapes among them.
    Source: kwon2020gradcon, GradCon's cosine read as a Fisher kernel; the normalisation is ours.
    """
    scale = _inverse_root(model, fisher)
    m = _flat(model, mean, "mean") * scale
    found = [torch.cosine_similarity(u * scale, m[None], dim=1) for u in _scores(model, x)]
    return -torch.cat(found).clamp(-1, 1)  # rounding can pass 1 by a little


def _scores(model: CAE, x: Tensor) -> Iterator[Tensor]:
    """u of a few images at a time, `[n, numbers of all four weights]`."""
    for _, traces in traced(model, x, chunk=CHUNK):
        gradients = torch.cat([trace.gradient().flatten(1) for trace in traces], 1)
        yield gradients.mul_(-x[0].numel() / 2)


def _inverse_root(model: CAE, fisher: Sequence[Tensor]) -> Tensor:
    """F^(-1/2), so that products in the metric F⁻¹ are plain products of scaled scores."""
    diagonal = _flat(model, fisher, "Fisher diagonal")
    if not ((diagonal > 0) & diagonal.isfinite()).all():
        raise BadInput("The Fisher diagonal must be finite and above 0 everywhere.")
    return diagonal.rsqrt()


def _flat(model: CAE, parts: Sequence[Tensor], word: str) -> Tensor:
    wanted = [list(w.shape) for w in decoder_weights(model)]
    if [list(p.shape) for p in parts] != wanted:
        raise BadInput(
            f"The {word} must have the shapes {wanted}; it has {[list(p.shape) for p in parts]}."
        )
    return torch.cat([p.flatten() for p in parts])


def _as_weights(model: CAE, vector: Tensor) -> list[Tensor]:
    weights = decoder_weights(model)
    pieces = vector.split([w.numel() for w in weights])
    return [piece.view(w.shape) for piece, w in zip(pieces, weights, strict=True)]
