"""How long a method takes for one image, and scorers without training to ask that of."""

import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lib.errors import BadInput
from lib.models import CAE, build
from lib.models.gpnd import SIZE, GPNDEncoder, GPNDGenerator
from lib.scores import gradcon_score
from lib.scores.gpnd import codes_and_distances, fit_gpnd, gpnd_score
from lib.training import mean_gradient

Name = TypeVar("Name", bound=Hashable)
Score = Callable[[Tensor], object]


def milliseconds(asked: Mapping[Name, tuple[Score, Tensor]]) -> dict[Name, float]:
    """Median time in ms that each of several scores takes for one of its images `[n, c, h, w]`.

    They take turns, image by image, so that a busy machine slows them alike; the first call of each
    is left out. A score must end on the CPU, so that nothing is left to wait for. Raises BadInput
    without images, and where the numbers of images differ.
    """
    counts = {len(images) for _, images in asked.values()}
    if len(counts) != 1 or 0 in counts:
        raise BadInput("Times are taken on at least one image, and on equally many of each score.")
    taken: dict[Name, list[float]] = {name: [] for name in asked}
    for score, images in asked.values():
        score(images[:1])
    for turn in range(len(next(iter(asked.values()))[1])):
        for name, (score, images) in asked.items():
            before = time.perf_counter()
            score(images[turn : turn + 1])
            taken[name].append(time.perf_counter() - before)
    return {name: 1000 * statistics.median(seconds) for name, seconds in taken.items()}


def untrained_gpnd(known: Tensor, generator: torch.Generator) -> Callable[[Tensor], Tensor]:
    """GPND's score with random weights: what it computes is what a trained one would.

    `known` `[m, c, s, s]` in [0, 1], images of at most 32 pixels a side, are what the densities are
    fitted to; all images are made grey and framed in black. Raises BadInput as `fit_gpnd` does.
    Source: pidhorskyi2018gpnd.
    """
    encoder = build(GPNDEncoder, generator).to(known.device).eval()
    decoder = build(GPNDGenerator, generator).to(known.device).eval()

    def framed(x: Tensor) -> Tensor:
        edge = (SIZE - x.shape[-1]) // 2
        return F.pad(x.mean(1, keepdim=True), (edge, edge, edge, edge))

    codes, distances = codes_and_distances(encoder, decoder, framed(known))
    densities = fit_gpnd(codes.cpu().numpy(), distances.cpu().numpy())

    def score(x: Tensor) -> Tensor:
        with np.errstate(over="ignore"):  # latents far from the few known ones: density 0
            return gpnd_score(encoder, decoder, framed(x), densities)

    return score


def untrained_gradcon(known: Tensor, generator: torch.Generator) -> Callable[[Tensor], Tensor]:
    """GradCon's score with random weights, its reference from the images `known` `[m, c, 28, 28]`.

    Source: kwon2020gradcon.
    """
    network = build(lambda: CAE(known.shape[1]), generator).to(known.device)
    reference = mean_gradient(network, known).mean
    return lambda x: gradcon_score(network, x, reference).cpu()
