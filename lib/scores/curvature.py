"""Curvature of the log-density, read from the Jacobian of a reconstruction."""

from collections.abc import Callable

import torch
from torch import Tensor

from lib.errors import BadInput

Network = Callable[[Tensor], Tensor]


def curvature(trace: Tensor, *, size: int) -> Tensor:
    """gamma, the mean of dr_i/dx_i - 1 over D = `size` inputs, from the Jacobian's `trace` `[n]`.

    At most 0 where the log-density curves down on average. Source: spigler2019denoising, local
    maxima of p(x).
    """
    return trace / size - 1


def jacobian_trace(reconstruct: Network, x: Tensor, *, batch_size: int = 64) -> Tensor:
    """Trace of dr/dx of each image, exact, `[n]`.

    `x` `[n, ...]` of D numbers each; `reconstruct` maps it to its like and must keep images apart.
    Costs D backward passes through all images of a batch; `batch_size` bounds the memory only.
    Parameters, their `.grad` and the random state stay as they were. Raises BadInput for no images
    and a reconstruction of another shape.
    """
    parts = []
    for batch in x.split(batch_size):
        leaf, drawn = _passed(reconstruct, batch)
        outputs, total = drawn.flatten(1), torch.zeros(len(batch), device=x.device)
        for i in range(outputs.shape[1]):
            # the sum keeps images apart: image k's output depends on its own input alone
            (row,) = torch.autograd.grad(outputs[:, i].sum(), leaf, retain_graph=True)
            total += row.flatten(1)[:, i]
        parts.append(total)
    return torch.cat(parts)


def hutchinson_trace(
    reconstruct: Network,
    x: Tensor,
    *,
    probes: int,
    generator: torch.Generator,
    batch_size: int = 256,
) -> Tensor:
    """Estimates v'(dr/dx)v of the trace, one for each random vector v of signs, `[n, probes]`.

    Their mean over probes is an unbiased estimate whose error falls as 1/sqrt(probes). Inputs,
    side effects and refusals as in `jacobian_trace`, and BadInput for fewer than one probe.
    Source: hutchinson1990trace.
    """
    if isinstance(probes, bool) or not isinstance(probes, int) or probes < 1:
        raise BadInput(f"The estimate needs at least one probe, but {probes!r} were asked for.")
    parts = []
    for batch in x.split(batch_size):
        leaf, drawn = _passed(reconstruct, batch)
        found = []
        for _ in range(probes):
            signs = torch.randint(0, 2, batch.shape, generator=generator)
            v = (2 * signs - 1).to(drawn)
            (row,) = torch.autograd.grad(drawn, leaf, v, retain_graph=True)
            found.append((row * v).flatten(1).sum(1))
        parts.append(torch.stack(found, 1))
    return torch.cat(parts)


def trace_errors(estimates: Tensor, exact: Tensor) -> dict[int, float]:
    """Relative error of the estimated trace by how many probes it is the mean of: 1, 2, 4, 8, …

    Root mean square over images of the estimates `[n, probes]` less the `exact` trace `[n]`, over
    the mean absolute one. Raises BadInput for other shapes.
    """
    if estimates.ndim != 2 or estimates.shape[:1] != exact.shape or 0 in estimates.shape:
        raise BadInput(
            f"Estimates [n, probes] and traces [n] are wanted, but {list(estimates.shape)} and "
            f"{list(exact.shape)} came."
        )
    probes, scale, found = estimates.shape[1], exact.abs().mean(), {}
    for count in [2**i for i in range(probes.bit_length()) if 2**i <= probes]:
        error = (estimates[:, :count].mean(1) - exact).square().mean().sqrt()
        found[count] = float(error / scale)
    return found


def _passed(reconstruct: Network, batch: Tensor) -> tuple[Tensor, Tensor]:
    if len(batch) == 0:
        raise BadInput("The trace of a Jacobian needs at least one image.")
    with torch.enable_grad():
        leaf = batch.detach().clone().requires_grad_()
        drawn = reconstruct(leaf)
    if drawn.shape != leaf.shape:
        raise BadInput(
            f"The reconstruction of {list(leaf.shape)} must have that shape too, "
            f"not {list(drawn.shape)}."
        )
    return leaf, drawn
