"""Denoising autoencoder: LSA's autoencoder, trained to undo noise."""

from torch import Tensor

from lib.methods.lsa import lsa_autoencoder
from lib.methods.task import Scorer, Task
from lib.scores import reconstruction_error
from lib.training import fit_autoencoder

NOISE = 0.2
BATCH, RATE = 256, 1e-3


def fit_dae(task: Task) -> Scorer:
    """Error of an autoencoder that was trained on noisy images and is asked about clean ones.

    Images of `lsa_size` pixels a side. Raises BadInput as `fit_autoencoder` does.
    Source: vincent2008extracting; body and noise of methods.md 2.3, optimiser ours.
    """
    device = task.train.device
    network = lsa_autoencoder(task.channels, task.generator("DAE weights")).to(device)
    batch = task.batch_size or BATCH
    rate = task.learning_rate or RATE
    fit_autoencoder(
        network,
        task.train,
        task.validation,
        generator=task.generator("DAE batches"),
        epochs=task.epochs,
        batch_size=batch,
        learning_rate=rate,
        noise=NOISE,
        precision=task.precision,
        checkpoint=task.checkpoint("DAE"),
        fingerprint=task.fingerprint(
            fit_autoencoder,
            type(network),
            method="DAE",
            noise=NOISE,
            batch_size=batch,
            learning_rate=rate,
            precision=task.precision,
        ),
    )

    def score(x: Tensor) -> dict[str, Tensor]:
        return {"": task.scored(lambda part: reconstruction_error(network, part), x)}

    return score
