"""What methods cost: parameters as the slides count them, and time for one image.

Source: kwon2020gradcon, computational efficiency; methods.md 2.10.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lib import models


@dataclass(frozen=True)
class Sizes:
    """Trained parameters by method and part, as the slides count them.

    `lsa_stored` are LSA's with the weights that its masks put to 0.
    """

    parts: dict[str, dict[str, int]]
    lsa_stored: int

    @property
    def totals(self) -> dict[str, int]:
        """Parameters by method."""
        return {name: sum(parts.values()) for name, parts in self.parts.items()}


def published_sizes() -> Sizes:
    """Counted from the networks. Source: kwon2020gradcon, size table; methods.md 2.10."""
    made: dict[str, dict[str, Callable[[], Any]]] = {
        "AnoGAN": {
            "generator": models.dcgan_generator,
            "discriminator": models.dcgan_discriminator,
        },
        "GPND": {
            "generator": models.gpnd_generator,
            "never called": models.gpnd_unused,
            "encoder": models.gpnd_encoder,
            "image discriminator": models.gpnd_image_discriminator,
            "latent discriminator": models.gpnd_latent_discriminator,
        },
        "LSA": {
            "autoencoder": models.LSAAutoencoder,
            "estimator without masked weights": models.LSAEstimator,
        },
        "GradCon": {"autoencoder": models.CAE},
    }
    weights = torch.Generator().manual_seed(0)  # which weights does not matter
    networks = {
        name: {part: models.build(make, weights) for part, make in parts.items()}
        for name, parts in made.items()
    }
    return Sizes(
        {
            name: {part: models.count_unmasked(network) for part, network in parts.items()}
            for name, parts in networks.items()
        },
        lsa_stored=sum(map(models.count_parameters, networks["LSA"].values())),
    )


def milliseconds(asked: Mapping[Any, tuple[Callable[[Tensor], Any], Tensor]]) -> dict[Any, float]:
    """Median time in ms that each of several scores takes for one of its images `[n, c, h, w]`.

    They take turns, image by image, so that a busy machine slows them alike; the first call of each
    is left out. A score must end on the CPU, so that nothing is left to wait for.
    """
    taken: dict[Any, list[float]] = {name: [] for name in asked}
    for score, images in asked.values():
        score(images[:1])
    for turn in range(len(next(iter(asked.values()))[1])):
        for name, (score, images) in asked.items():
            before = time.perf_counter()
            score(images[turn : turn + 1])
            taken[name].append(time.perf_counter() - before)
    return {name: 1000 * statistics.median(seconds) for name, seconds in taken.items()}


def gpnd_work(generator: torch.Generator, device: str = "cpu") -> Callable[[Tensor], Tensor]:
    """What takes time in GPND's score, with random weights, for one image `[1, c, 28, 28]`.

    Encoding and decoding, the encoder's Jacobian and its singular values; the densities, which take
    next to none, are left out. Images are made grey and framed in black. Source:
    pidhorskyi2018gpnd; methods.md 2.9.
    """
    encoder = models.build(models.gpnd_encoder, generator).to(device).eval()
    decoder = models.build(models.gpnd_generator, generator).to(device).eval()

    @torch.no_grad()
    def score(x: Tensor) -> Tensor:
        framed = F.pad(x.mean(1, keepdim=True), (2, 2, 2, 2))
        distance = (framed - decoder(encoder(framed)) / 2 - 0.5).norm()
        jacobian = torch.func.jacrev(lambda image: encoder(image[None])[0])(framed[0])
        volume = torch.linalg.svdvals(jacobian.flatten(1)).log().sum()
        found: Tensor = (distance - volume).cpu()
        return found

    return score
