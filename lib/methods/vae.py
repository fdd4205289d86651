"""Variational autoencoder: the divergence of its latents, and the bound on the likelihood."""

from functools import partial
from typing import Literal

from torch import Tensor

from lib.errors import BadInput
from lib.methods.task import Scorer, Task
from lib.models import build
from lib.models.vae import VAE
from lib.scores.vae import elbo_score, latent_score
from lib.training import fit

BATCH, RATE = 64, 1e-3
Form = Literal["KL", "ELBO"]


def fit_vae(task: Task, *, main: Form = "ELBO") -> Scorer:
    """GradCon's VAE, trained on the squared error; its two scores, the `main` one without a name.

    Images of 28×28 pixels. The draws are those of chapter gradcon, so equal settings give that
    chapter's VAE. Raises BadInput for another form, and as `fit` does.
    Source: kingma2014auto; network of kwon2020gradcon, loss of methods.md 1.7.
    """
    forms = {"KL": latent_score, "ELBO": elbo_score}
    if main not in forms:
        raise BadInput(f"The VAE's main score must be one of {', '.join(forms)}; it was {main!r}.")
    ordered = sorted(forms, key=lambda form: form != main)
    device = task.train.device
    network = build(lambda: VAE(task.channels), task.generator("weights")).to(device)
    batch = task.batch_size or BATCH
    rate = task.learning_rate or RATE
    fit(
        network,
        task.train,
        task.validation,
        generator=task.generator("batches"),
        epochs=task.epochs,
        alpha=0.0,
        batch_size=batch,
        learning_rate=rate,
        checkpoint=task.checkpoint("VAE"),
        fingerprint=task.fingerprint(fit, method="VAE", batch_size=batch, learning_rate=rate),
    )

    def score(x: Tensor) -> dict[str, Tensor]:
        return {
            "" if form == main else form: task.scored(partial(forms[form], network), x)
            for form in ordered
        }

    return score
