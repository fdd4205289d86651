"""Deep SVDD: how far a network takes an image from the centre of the normal ones."""

from torch import Tensor

from lib.data.contrast import contrast_scaled, fit_contrast_range
from lib.methods.task import Scorer, Task
from lib.models import build
from lib.models.deep_svdd import deep_svdd
from lib.scores.deep_svdd import deep_svdd_score
from lib.training.deep_svdd import fit_deep_svdd as train_deep_svdd

BATCH, RATE = 200, 1e-4  # of the public code


def fit_deep_svdd(task: Task, *, pretrain_epochs: int = 0) -> Scorer:
    """One-class Deep SVDD after `pretrain_epochs` as an autoencoder, on contrast-normalised images.

    Images of 28×28 pixels in [0, 1]; they are normalised here, by the training images' range. The
    learning rate falls to a tenth after a third of the epochs, as it does at 50 of the authors'
    150. Raises BadInput as `lib.training.deep_svdd.fit_deep_svdd` does.
    Source: ruff2018deep, public code.
    """
    span = fit_contrast_range(task.train)
    size = task.train.shape[-1]
    weights = task.generator("DSVDD weights")
    network = build(lambda: deep_svdd(task.channels, size=size), weights).to(task.train.device)
    batch = task.batch_size or BATCH
    rate = task.learning_rate or RATE
    trained = train_deep_svdd(
        network,
        contrast_scaled(task.train, span),
        contrast_scaled(task.validation, span),
        generator=task.generator("DSVDD batches"),
        epochs=task.epochs,
        pretrain_epochs=pretrain_epochs,
        milestone=max(1, task.epochs // 3),
        pretrain_milestone=max(1, pretrain_epochs // 3),
        batch_size=batch,
        learning_rate=rate,
        checkpoint=task.checkpoint("DSVDD"),
        fingerprint=task.fingerprint(
            train_deep_svdd,
            deep_svdd,
            contrast_scaled,
            method="DSVDD",
            pretrain=pretrain_epochs,
            batch_size=batch,
            learning_rate=rate,
        ),
    )

    def distance(x: Tensor) -> Tensor:
        return deep_svdd_score(network, contrast_scaled(x, span), trained.centre)

    def score(x: Tensor) -> dict[str, Tensor]:
        return {"": task.scored(distance, x)}

    return score
