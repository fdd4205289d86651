"""Latent space autoregression: an autoencoder, with or without the density of its code."""

from typing import NamedTuple

import torch
from torch import Tensor

from lib.errors import BadInput
from lib.methods.task import Scorer, Task
from lib.models import LSAAutoencoder, LSACifarAutoencoder, LSAEstimator, LSANetwork, build
from lib.scores import reconstruction_error
from lib.training.lsa import fit_lsa as train_lsa

WITHOUT = "without estimator"
BATCH, RATE = 256, 1e-4  # of the supplement, methods.md 2.5


class _Range(NamedTuple):
    """Least and largest value of a score on validation images."""

    low: Tensor
    high: Tensor


def lsa_size(channels: int) -> int:
    """Pixels a side of the images that LSA's autoencoders take."""
    return 28 if channels == 1 else 32


def lsa_autoencoder(channels: int, generator: torch.Generator) -> LSANetwork:
    """LSA's autoencoder for grey images of 28×28 or colour images of 32×32 pixels."""
    if channels == 1:  # gains little from channels last, and is not safe in it (PointwiseConv2d)
        return build(LSAAutoencoder, generator)
    # a quarter less time on a CPU
    return build(LSACifarAutoencoder, generator).to(memory_format=torch.channels_last)


def fit_lsa(task: Task, *, estimator: bool = True) -> Scorer:
    """LSA's novelty score; without the `estimator` the error alone, under the name WITHOUT.

    Images of `lsa_size` pixels a side. Both start with the same autoencoder and see the same
    batches. The range of the two parts on validation images, which the novelty score needs, is
    measured once, here. Raises BadInput as `lib.training.lsa.fit_lsa` does, and where a part does
    not vary on the validation images. Source: abati2019lsa; budget of methods.md 2.5.
    """
    name = "LSA" if estimator else f"LSA {WITHOUT}"
    device = task.train.device
    autoencoder = lsa_autoencoder(task.channels, task.generator("LSA weights")).to(device)
    density = None
    if estimator:
        density = build(LSAEstimator, task.generator("LSA estimator weights")).to(device)
    batch = task.batch_size or BATCH
    rate = task.learning_rate or RATE
    train_lsa(
        autoencoder,
        density,
        task.train,
        task.validation,
        generator=task.generator("LSA batches"),
        epochs=task.epochs,
        batch_size=batch,
        learning_rate=rate,
        precision=task.precision,
        checkpoint=task.checkpoint(name.replace(" ", "-")),
        fingerprint=task.fingerprint(
            train_lsa,
            type(autoencoder),
            method=name,
            batch_size=batch,
            learning_rate=rate,
            precision=task.precision,
        ),
    )
    if density is None:

        def alone(x: Tensor) -> dict[str, Tensor]:
            return {WITHOUT: task.scored(lambda part: reconstruction_error(autoencoder, part), x)}

        return alone

    def parts(x: Tensor) -> Tensor:
        """Reconstruction error and minus the log-likelihood of the code, `[n, 2]`."""
        code = autoencoder.encode(x)
        error = (autoencoder.decode(code) - x).square().flatten(1).mean(1)
        return torch.stack([error, -density.log_likelihood(code)], 1)

    held_out = task.scored(parts, task.validation)
    span = _Range(held_out.amin(0), held_out.amax(0))
    if not bool((span.low < span.high).all()):
        raise BadInput("Both parts of LSA's score must vary on the validation images.")

    def score(x: Tensor) -> dict[str, Tensor]:
        # minus the sum of both scaled log-likelihoods, as in `lib.scores.lsa`
        return {"": -((span.high - task.scored(parts, x)) / (span.high - span.low)).sum(1)}

    return score
