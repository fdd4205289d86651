"""Scores of latent space autoregression: reconstruction, likelihood of the code, and both."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from lib.data import check_range
from lib.errors import BadInput
from lib.models import LSANetwork
from lib.models.lsa_estimator import LSAEstimator


@torch.no_grad()
def lsa_scores(
    autoencoder: LSANetwork,
    estimator: LSAEstimator | None,
    x: Tensor,
    *,
    validation: Tensor | None,
    batch_size: int = 256,
) -> dict[str, Tensor]:
    """LSA's novelty score with its parts, each `[n]` on the CPU, higher is more anomalous.

    "recon" is the squared error averaged over pixels, "likelihood" minus the log-likelihood of
    the code in nats, "novelty" as above. With None as `estimator` there is "recon" only.
    `x` and `validation` `[n, c, h, w]` in [0, 1], on any device; validation images are normal.
    `batch_size` bounds the memory only. Raises BadInput for networks in training mode, images
    outside [0, 1], missing validation images, and a part that does not vary on them.
    Source: abati2019lsa, novelty score.
    """
    for network in (autoencoder, estimator):
        # batch norm in training mode mixes the images of a batch and moves its running averages
        if isinstance(network, nn.Module) and any(m.training for m in network.modules()):
            raise BadInput("LSA's scores need evaluation mode: call eval() on both networks first.")
    if batch_size < 1:
        raise BadInput(f"The batch size must be at least 1, but {batch_size} came.")
    check_range(given=x)
    parts = lsa_parts(autoencoder, estimator, x, batch_size=batch_size)
    if estimator is None:
        return parts
    if validation is None or len(validation) == 0:
        raise BadInput("LSA's novelty score needs validation images to scale its parts.")
    held_out = lsa_parts(autoencoder, estimator, validation, batch_size=batch_size)
    return parts | {"novelty": lsa_novelty(parts, held_out)}


def lsa_novelty(parts: Mapping[str, Tensor], held_out: Mapping[str, Tensor]) -> Tensor:
    """The novelty score `[n]` from parts by name, each `[n]`, and those of validation images.

    Higher is more anomalous; 0 less each part's distance from its largest validation value, in
    units of their range. Raises BadInput for a part that does not vary on validation images.
    """
    novelty = torch.zeros(len(next(iter(parts.values()))))
    for name, values in held_out.items():
        low, high = values.min(), values.max()
        if not low < high:
            raise BadInput(f'"{name}" must vary on the validation images to be scaled.')
        # of -score, whose range is -high to -low; then the sign turned back
        novelty = novelty - (high - parts[name]) / (high - low)
    return novelty


@torch.no_grad()
def lsa_parts(
    autoencoder: LSANetwork, estimator: LSAEstimator | None, x: Tensor, *, batch_size: int = 256
) -> dict[str, Tensor]:
    """Parts "recon" and, with an estimator, "likelihood" of `lsa_scores`; it checks nothing."""
    device = next(autoencoder.parameters()).device
    errors, likelihoods = [], []
    for batch in x.split(batch_size):
        inputs = batch.to(device)
        code = autoencoder.encode(inputs)
        # `reconstruction_error`, from the code that the estimator needs too
        errors.append((autoencoder.decode(code) - inputs).square().flatten(1).mean(1))
        if estimator is not None:
            likelihoods.append(-estimator.log_likelihood(code))
    found = {"recon": torch.cat(errors).cpu()}
    return found | ({"likelihood": torch.cat(likelihoods).cpu()} if likelihoods else {})
