"""GradCon's autoencoders of a whole table trained at once: equal networks, stacked weights.

One such network keeps a GPU busy for a hundredth of its time. Here the weights of all classes and
seeds lie in one tensor per layer, `torch.func.vmap` turns their convolutions into grouped ones, and
each network sees its own images in its own order, as if `fit` had trained it alone.
"""

import copy
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

from lib.errors import BadInput
from lib.models import CAE, decoder_weights
from lib.models.vae import LATENT, VAE, Reconstruction
from lib.training import loop
from lib.training.checks import check_counts, check_images, check_positive
from lib.training.gradcon import Fitted
from lib.training.reconstruction import check_choice, reconstruction_losses
from lib.training.reference import ReferenceGradient

Stack = dict[str, Tensor]
TRAINED, HELD_OUT = ("train_J", "train_L", "train_cosine"), ("validation_L", "validation_cosine")


def fit_stacked(
    models: Sequence[CAE],
    train: Sequence[Tensor],
    validation: Sequence[Tensor],
    *,
    generators: Sequence[torch.Generator],
    alphas: Sequence[float],
    epochs: int,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    reconstruction: Reconstruction = "squared",
    keep: Collection[int] = (),
    checkpoint: Path | None = None,
    fingerprint: str = "",
) -> list[Fitted[CAE]]:
    """Train K networks of one kind in place, each as `fit` trains it alone, up to rounding.

    `train[k]` and `validation[k]` are the images `[n, c, 28, 28]` of network k on its device, as
    many for each; `generators[k]` draws its batches and a VAE's noise, `alphas[k]` weighs its
    gradient loss (0: the plain autoencoder). The epoch of smallest validation J is selected.
    `keep` and `checkpoint` as in `loop.train`.
    Raises BadInput for lists of different lengths, sets of different sizes, networks of different
    kinds, and as `fit` does.
    Source: kwon2020gradcon, objective J; alpha, optimiser and batch of the official code.
    """
    check_counts(epochs=epochs, batch_size=batch_size)
    check_positive(learning_rate=learning_rate)
    if not models or len({len(models), *map(len, (train, validation, generators, alphas))}) > 1:
        raise BadInput("Each network needs its own images, generator and alpha.")
    if len({type(model) for model in models}) > 1:
        raise BadInput("Networks trained at once must be of one kind.")
    if len({len(x) for x in train}) > 1 or len({len(x) for x in validation}) > 1:
        raise BadInput("Networks trained at once need equally many images of each class.")
    for images in (*train, *validation):
        check_images(images=images)
    check_choice("reconstruction", reconstruction, get_args(Reconstruction))
    stacked = _Stacked(models, torch.tensor(alphas, device=train[0].device), reconstruction)
    optimiser = torch.optim.Adam(stacked.parameters(), lr=learning_rate, fused=True)
    x, held_out = torch.stack(list(train)), torch.stack(list(validation))
    every = torch.arange(len(models), device=x.device)[:, None]

    def step(places: Tensor) -> dict[str, Tensor]:
        noise = x.new_zeros(len(models), len(places), LATENT)
        if isinstance(models[0], VAE):
            drawn = [torch.randn(noise.shape[1:], generator=g, dtype=x.dtype) for g in generators]
            noise = torch.stack(drawn).to(x.device)
        first = not stacked.steps
        figures = stacked.backward(x[every, places.T], noise)
        return _named(TRAINED[: 2 if first else 3], figures)

    def validate() -> dict[str, float]:
        sums = torch.zeros(2, len(models), dtype=torch.float64, device=x.device)
        for part in held_out.split(batch_size, 1):
            n = part.shape[1]
            noise = x.new_zeros(len(models), n, LATENT)  # a VAE is validated at its mean
            sums += stacked.losses(part, noise).double() * (n / held_out.shape[1])
        objective = sums[0] - stacked.alphas * sums[1]
        best.update(objective.tolist())
        entry = _named((*HELD_OUT, "validation_J"), torch.stack([*sums, objective]))
        return {name: float(value) for name, value in entry.items()}

    best = _Best(stacked)
    course = loop.train(
        stacked,
        optimiser,
        step,
        validate,
        images=x[0],
        generator=generators,
        epochs=epochs,
        batch_size=batch_size,
        leave_one_out=False,
        by_step=[f"train_cosine {k}" for k in range(len(models))],
        keep=keep,
        snapshot=stacked.copies,
        beside={"best": best},
        checkpoint=checkpoint,
        fingerprint=fingerprint,
    )

    def on_device(mean: list[Tensor]) -> list[Tensor]:  # where a checkpoint was on the CPU
        return [m.to(x.device) for m in mean]

    fitted = []
    for k, model in enumerate(models):
        at_best = best.copies[k]
        model.load_state_dict(at_best["weights"])
        reference = ReferenceGradient(on_device(at_best["mean"]), at_best["steps"])
        history = [
            {name.removesuffix(f" {k}"): value for name, value in entry.items() if _is_of(name, k)}
            for entry in course.history
        ]
        snapshots = {
            at: (copies[k]["weights"], on_device(copies[k]["mean"]))
            for at, copies in course.snapshots.items()
        }
        fitted.append(Fitted(model, reference, best.epochs[k], history, snapshots))
    return fitted


def _named(names: Sequence[str], figures: Tensor | Sequence[Tensor]) -> dict[str, Tensor]:
    """Figures `[names, K]` by name and number of the network, as the loop's entries have them."""
    rows = zip(names, figures, strict=False)  # of the first step not the cosine
    return {f"{name} {k}": value for name, row in rows for k, value in enumerate(row)}


def _is_of(name: str, k: int) -> bool:
    return " " not in name or name.endswith(f" {k}")


class _Best:
    """The best epoch of each network so far, what it left then, and its validation J."""

    def __init__(self, stacked: "_Stacked") -> None:
        self.stacked, self.epoch = stacked, 0
        count = len(stacked.alphas)
        self.lowest: list[float] = [float("inf")] * count
        self.epochs: list[int] = [0] * count
        self.copies: list[dict[str, Any]] = [{} for _ in range(count)]

    def update(self, objectives: Sequence[float]) -> None:
        self.epoch += 1
        now = self.stacked.copies()
        for k, value in enumerate(objectives):
            if value < self.lowest[k] or self.lowest[k] == float("inf"):
                self.epochs[k], self.copies[k] = self.epoch, now[k]
            if value < self.lowest[k]:
                self.lowest[k] = value

    def state_dict(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "stacked"}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


class _Stacked(nn.Module):
    """The weights of K networks of one kind, their reference gradients, J and its gradient."""

    def __init__(
        self, models: Sequence[CAE], alphas: Tensor, reconstruction: Reconstruction
    ) -> None:
        super().__init__()
        self.alphas, self.steps = alphas, 0
        weights, _ = stack_module_state(list(models))
        self.names = list(weights)
        self.stacks = nn.ParameterList(weights[name].detach() for name in self.names)
        own = {id(w) for w in decoder_weights(models[0])}
        self.decoder = [name for name, p in models[0].named_parameters() if id(p) in own]
        for i, name in enumerate(self.decoder):
            self.register_buffer(f"mean{i}", torch.zeros_like(weights[name]))
        shell = [_Losses(copy.deepcopy(models[0]), reconstruction)]  # in a list: no part of this

        def losses(weights: Stack, mean: Stack, x: Tensor, noise: Tensor) -> Any:
            def error_of(decoder: Stack) -> tuple[Tensor, Tensor]:
                full = {f"model.{name}": value for name, value in (weights | decoder).items()}
                loss, error = functional_call(shell[0], full, (x, noise))
                return error, loss

            gradients, loss = grad(error_of, has_aux=True)({n: weights[n] for n in self.decoder})
            cosines = [
                F.cosine_similarity(gradients[name].flatten(), mean[name].flatten(), dim=0)
                for name in self.decoder
            ]
            return loss, torch.stack(cosines).mean()

        def objective(weights: Stack, mean: Stack, alpha: Tensor, *batch: Tensor) -> Any:
            loss, cosine = losses(weights, mean, *batch)
            j = loss - alpha * cosine  # without a reference the cosine is 0, and so is its slope
            return j, (j, loss, cosine)

        self._slopes, self._losses = vmap(grad(objective, has_aux=True)), vmap(losses)

    def weights(self) -> Stack:
        return dict(zip(self.names, (p.detach() for p in self.stacks), strict=True))

    def means(self) -> Stack:
        return {name: self.get_buffer(f"mean{i}") for i, name in enumerate(self.decoder)}

    def losses(self, x: Tensor, noise: Tensor) -> Tensor:
        """L and the mean cosine of each network, `[2, K]`, on its images `[K, n, c, 28, 28]`."""
        return torch.stack(self._losses(self.weights(), self.means(), x, noise))

    def backward(self, x: Tensor, noise: Tensor) -> Tensor:
        """Leave dJ/dw in the stacks and take it into the references; J, L and cosine `[3, K]`."""
        means = self.means()
        slopes, figures = self._slopes(self.weights(), means, self.alphas, x, noise)
        for name, stack in zip(self.names, self.stacks, strict=True):
            stack.grad = slopes[name].contiguous()  # fused Adam assumes equal strides
        self.steps += 1
        for name, mean in means.items():
            mean += (slopes[name] - mean) / self.steps
        return torch.stack(figures)

    def copies(self) -> list[dict[str, Any]]:
        """Weights, reference gradient and number of steps of each network, copied."""
        weights, means = self.weights(), self.means()
        return [
            {
                "weights": {name: value[k].clone() for name, value in weights.items()},
                "mean": [value[k].clone() for value in means.values()],
                "steps": self.steps,
            }
            for k in range(len(self.alphas))
        ]

    def get_extra_state(self) -> dict[str, int]:
        return {"steps": self.steps}

    def set_extra_state(self, state: dict[str, int]) -> None:
        self.steps = state["steps"]


class _Losses(nn.Module):
    """L of a batch and its reconstruction part, as a module for `functional_call`."""

    def __init__(self, model: CAE, reconstruction: Reconstruction) -> None:
        super().__init__()
        self.model, self.reconstruction = model, reconstruction

    def forward(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        loss, error, _ = reconstruction_losses(self.model, x, self.reconstruction, noise)
        return loss, error
