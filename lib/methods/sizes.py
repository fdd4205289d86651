"""What the published table of model sizes counts: the networks of four methods, part by part."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import nn

from lib.models import CAE, LSAAutoencoder, build, count_parameters
from lib.models.dcgan import DCGANDiscriminator, DCGANGenerator
from lib.models.gpnd import (
    GPNDEncoder,
    GPNDGenerator,
    GPNDImageDiscriminator,
    GPNDLatentDiscriminator,
)
from lib.models.lsa_estimator import LSAEstimator, count_unmasked

_PARTS: Mapping[str, Mapping[str, Callable[[], nn.Module]]] = {
    "AnoGAN": {"generator": DCGANGenerator, "discriminator": DCGANDiscriminator},
    "GPND": {
        "generator": GPNDGenerator,
        "encoder": GPNDEncoder,
        "image discriminator": GPNDImageDiscriminator,
        "latent discriminator": GPNDLatentDiscriminator,
    },
    "LSA": {"autoencoder": LSAAutoencoder, "estimator without masked weights": LSAEstimator},
    "GradCon": {"autoencoder": CAE},
}


class Sizes(NamedTuple):
    """Parameters by method and part, as the slides count them, and two counts beside those.

    `lsa_stored` are LSA's with the weights that its masks put to 0, `gpnd_unused` those of GPND's
    generator that its forward pass never calls.
    """

    parts: dict[str, dict[str, int]]
    lsa_stored: int
    gpnd_unused: int

    @property
    def totals(self) -> dict[str, int]:
        """Parameters by method."""
        return {name: sum(parts.values()) for name, parts in self.parts.items()}


def published_sizes() -> Sizes:
    """Counted from the networks. Source: kwon2020gradcon, size table; methods.md 2.10."""
    weights = torch.Generator().manual_seed(0)  # which weights does not matter
    networks = {
        name: {part: build(make, weights) for part, make in parts.items()}
        for name, parts in _PARTS.items()
    }
    counts = {
        name: {part: count_unmasked(network) for part, network in parts.items()}
        for name, parts in networks.items()
    }
    generator = networks["GPND"]["generator"]
    assert isinstance(generator, GPNDGenerator)
    stored = sum(count_parameters(network) for network in networks["LSA"].values())
    return Sizes(counts, stored, count_parameters(generator.unused))
