"""GradCon itself, asked in the same way as the others."""

from functools import partial

from torch import Tensor

from lib.methods.task import Scorer, Task
from lib.models import CAE, build
from lib.scores import gradcon_score
from lib.training import Fitted, fit

BATCH, RATE = 64, 1e-3  # of the official code


def fit_gradcon(task: Task, *, alpha: float = 0.03, beta: float = 0.12) -> Scorer:
    """Reconstruction error plus `beta` times the gradient score of a constrained autoencoder.

    Images of 28×28 pixels. Raises BadInput as `lib.training.fit` does.
    Source: kwon2020gradcon, GradCon.
    """
    best = train_gradcon(task, alpha=alpha)
    ask = partial(gradcon_score, best.model, reference=best.reference.mean, beta=beta)

    def score(x: Tensor) -> dict[str, Tensor]:
        return {"": task.scored(ask, x)}

    return score


def train_gradcon(task: Task, *, alpha: float = 0.03) -> Fitted[CAE]:
    """The constrained autoencoder of a task, with its reference gradient.

    The draws are those of chapter gradcon, so equal settings give that chapter's CAE+Grad.
    """
    device = task.train.device
    network = build(lambda: CAE(task.channels), task.generator("weights")).to(device)
    batch = task.batch_size or BATCH
    rate = task.learning_rate or RATE
    return fit(
        network,
        task.train,
        task.validation,
        generator=task.generator("batches"),
        epochs=task.epochs,
        alpha=alpha,
        batch_size=batch,
        learning_rate=rate,
        checkpoint=task.checkpoint("GradCon"),
        fingerprint=task.fingerprint(
            fit, method="GradCon", alpha=alpha, batch_size=batch, learning_rate=rate
        ),
    )
