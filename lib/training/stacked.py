"""GradCon's autoencoders of a whole table trained at once: equal networks, stacked weights.

One such network keeps a GPU busy for a hundredth of its time. Here the weights of all classes and
seeds lie in one tensor per layer, `torch.func.vmap` turns their convolutions into grouped ones, and
each network sees its own images in its own order, as if `fit` had trained it alone.
"""

import copy
import math
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

from lib.errors import BadInput
from lib.models import CAE, decoder_weights
from lib.models.vae import LATENT, VAE, Reconstruction, pixel_logits, prior_divergence
from lib.training.checkpoint import load_checkpoint, save_checkpoint
from lib.training.checks import check_counts, check_images, check_positive
from lib.training.gradcon import Fitted
from lib.training.reconstruction import check_choice
from lib.training.reference import ReferenceGradient

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # of Adam, PyTorch's defaults
Stack = dict[str, Tensor]


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
    progress: Callable[[int], None] | None = None,
    checkpoint: Path | None = None,
    fingerprint: str = "",
) -> list[Fitted[CAE]]:
    """Train K networks of one kind in place, each as `fit` trains it alone, up to rounding.

    `train[k]` and `validation[k]` are the images `[n, c, 28, 28]` of network k on its device,
    `generators[k]` draws its batches and a VAE's noise, `alphas[k]` weighs its gradient loss (0:
    the plain autoencoder). The epoch of smallest validation J is selected. `progress` gets each
    finished epoch. With `checkpoint` an interrupted training goes on from the last epoch written
    there under the same `fingerprint`.
    Raises BadInput for lists of different lengths, networks of different kinds, and as `fit` does.
    Source: kwon2020gradcon, objective J; alpha, optimiser and batch of the official code.
    """
    check_counts(epochs=epochs, batch_size=batch_size)
    check_positive(learning_rate=learning_rate)
    if not models or len({len(models), *map(len, (train, validation, generators, alphas))}) > 1:
        raise BadInput("Each network needs its own images, generator and alpha.")
    if len({type(model) for model in models}) > 1:
        raise BadInput("Networks trained at once must be of one kind.")
    for images in (*train, *validation):
        check_images(images=images)
    check_choice("reconstruction", reconstruction, get_args(Reconstruction))
    state = _begin(models)
    history: list[list[dict[str, float]]] = [[] for _ in models]
    chosen: list[dict[str, Any]] = [{} for _ in models]
    snapshots: list[dict[int, Any]] = [{} for _ in models]
    if checkpoint is not None and checkpoint.exists():
        stored = load_checkpoint(checkpoint)
        if stored["fingerprint"] == fingerprint and len(stored["history"][0]) <= epochs:
            device = train[0].device
            for part, values in stored["state"].items():
                state[part] = {name: value.to(device) for name, value in values.items()}
            history, chosen, snapshots = (stored[n] for n in ("history", "chosen", "snapshots"))
            for generator, drawn in zip(generators, stored["generators"], strict=True):
                generator.set_state(drawn)

    compute = _Compute(models[0], reconstruction, torch.tensor(alphas, device=train[0].device))
    for epoch in range(len(history[0]) + 1, epochs + 1):
        entries = _train_epoch(compute, state, train, generators, batch_size, learning_rate)
        held_out = _validate(compute, state, validation, batch_size)
        for k, (entry, more) in enumerate(zip(entries, held_out, strict=True)):
            earlier = min((e["validation_J"] for e in history[k]), default=math.inf)
            history[k].append({"epoch": float(epoch)} | entry | more)
            if more["validation_J"] < earlier or not chosen[k].get("hit"):
                hit = more["validation_J"] < earlier
                chosen[k] = {"hit": hit, "epoch": epoch, **_of_one(state, k)}
            if epoch in keep:
                one = _of_one(state, k)
                snapshots[k][epoch] = (one["model"], one["mean"])
        if checkpoint is not None:
            content: dict[str, Any] = {"fingerprint": fingerprint, "state": state}
            content |= {"history": history, "chosen": chosen, "snapshots": snapshots}
            save_checkpoint(
                checkpoint, content | {"generators": [g.get_state() for g in generators]}
            )
        if progress is not None:
            progress(epoch)

    fitted = []
    for k, model in enumerate(models):
        model.load_state_dict(chosen[k]["model"])
        reference = ReferenceGradient(list(chosen[k]["mean"]), chosen[k]["steps"])
        fitted.append(Fitted(model, reference, chosen[k]["epoch"], history[k], snapshots[k]))
    return fitted


class _Compute:
    """The stacked functions of one kind of network: J with its gradient, and L with its cosine."""

    def __init__(self, model: CAE, reconstruction: Reconstruction, alphas: Tensor) -> None:
        shell = _Losses(copy.deepcopy(model), reconstruction)
        own = {id(w) for w in decoder_weights(shell.model)}
        self.decoder = [n for n, p in shell.model.named_parameters() if id(p) in own]
        self.is_vae = isinstance(model, VAE)
        self.alphas = alphas

        def losses(weights: Stack, mean: Stack, x: Tensor, share: Tensor, noise: Tensor) -> Any:
            def error_of(decoder: Stack) -> tuple[Tensor, Tensor]:
                full = {f"model.{name}": value for name, value in (weights | decoder).items()}
                loss, error = functional_call(shell, full, (x, share, noise))
                return error, loss

            given = {name: weights[name] for name in self.decoder}
            gradients, loss = grad(error_of, has_aux=True)(given)
            cosines = [
                F.cosine_similarity(gradients[name].flatten(), mean[name].flatten(), dim=0)
                for name in self.decoder
            ]
            return loss, torch.stack(cosines).mean()

        def objective(weights: Stack, mean: Stack, alpha: Tensor, *batch: Tensor) -> Any:
            loss, cosine = losses(weights, mean, *batch)
            j = loss - alpha * cosine  # without a reference the cosine is 0, and so is its slope
            return j, (j, loss, cosine)

        self.slopes = vmap(grad(objective, has_aux=True))
        self.losses = vmap(losses)


class _Losses(nn.Module):
    """L of a weighted batch and its reconstruction part, as `reconstruction_losses` has them."""

    def __init__(self, model: CAE, reconstruction: Reconstruction) -> None:
        super().__init__()
        self.model, self.reconstruction = model, reconstruction

    def forward(self, x: Tensor, share: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        if isinstance(self.model, VAE):
            h, mean, log_variance = self.model.latents(x, noise)
            divergence = (share * prior_divergence(mean, log_variance)).sum() / x[0].numel()
        else:
            h, divergence = self.model.encode(x), x.new_zeros(())
        if self.reconstruction == "bce":
            logits = pixel_logits(self.model, h)
            each = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
        else:
            each = (self.model.decode(h) - x).square()
        error = (share * each.flatten(1).mean(1)).sum()
        return error + divergence, error


def _begin(models: Sequence[CAE]) -> dict[str, Stack]:
    weights, _ = stack_module_state(list(models))
    weights = {name: value.detach() for name, value in weights.items()}
    own = {id(w) for w in decoder_weights(models[0])}
    decoder = [name for name, p in models[0].named_parameters() if id(p) in own]
    steps = next(iter(weights.values())).new_zeros(len(models))
    return {
        "weights": weights,
        "first": {name: torch.zeros_like(value) for name, value in weights.items()},
        "second": {name: torch.zeros_like(value) for name, value in weights.items()},
        "mean": {name: torch.zeros_like(weights[name]) for name in decoder},
        "counts": {"steps": steps},
    }


def _of_one(state: dict[str, Stack], k: int) -> dict[str, Any]:
    """Network k's weights, reference gradient and steps, copied out of the stack."""
    return {
        "model": {name: value[k].clone() for name, value in state["weights"].items()},
        "mean": [value[k].clone() for value in state["mean"].values()],
        "steps": int(state["counts"]["steps"][k]),
    }


def _batches(orders: Sequence[Tensor], batch_size: int) -> list[list[Tensor]]:
    """For each step the places of each network's images; empty where a network is through."""
    parts = [order.split(batch_size) for order in orders]
    none = orders[0][:0]
    longest = max(map(len, parts))
    return [[p[i] if i < len(p) else none for p in parts] for i in range(longest)]


def _stack(images: Sequence[Tensor], places: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Batches of equal length `[K, b, …]`, and what each image counts: 1/n, or 0 as filling."""
    longest = max(map(len, places))
    x = images[0].new_zeros(len(images), longest, *images[0].shape[1:])
    share = x.new_zeros(len(images), longest)
    for k, place in enumerate(places):
        if len(place):
            x[k, : len(place)] = images[k][place]
            share[k, : len(place)] = 1 / len(place)
    return x, share


def _train_epoch(
    compute: _Compute,
    state: dict[str, Stack],
    images: Sequence[Tensor],
    generators: Sequence[torch.Generator],
    batch_size: int,
    learning_rate: float,
) -> list[dict[str, float]]:
    device = images[0].device
    orders = [torch.randperm(len(x), generator=g) for x, g in zip(images, generators, strict=True)]
    sums = torch.zeros(3, len(images), dtype=torch.float64, device=device)
    known = torch.zeros(len(images), device=device)
    for places in _batches(orders, batch_size):
        x, share = _stack(images, [place.to(device) for place in places])
        noise = _noise(compute, x, places, generators)
        slopes, (j, loss, cosine) = compute.slopes(
            state["weights"], state["mean"], compute.alphas, x, share, noise
        )
        counts = torch.tensor([len(place) for place in places], device=device)
        referred = (state["counts"]["steps"] > 0) & (counts > 0)
        sums += torch.stack([j * counts, loss * counts, torch.where(referred, cosine, 0.0)])
        known += referred
        _update(state, slopes, counts > 0, learning_rate)
    n = torch.tensor([len(x) for x in images], device=device)
    rows = torch.stack([sums[0] / n, sums[1] / n, sums[2] / known]).T.tolist()
    return [dict(zip(("train_J", "train_L", "train_cosine"), row, strict=True)) for row in rows]


def _noise(
    compute: _Compute,
    x: Tensor,
    places: Sequence[Tensor],
    generators: Sequence[torch.Generator],
) -> Tensor:
    noise = x.new_zeros(*x.shape[:2], LATENT)
    if compute.is_vae:
        for k, (place, generator) in enumerate(zip(places, generators, strict=True)):
            if len(place):
                drawn = torch.randn(len(place), LATENT, generator=generator, dtype=x.dtype)
                noise[k, : len(place)] = drawn.to(x.device)
    return noise


def _update(state: dict[str, Stack], slopes: Stack, active: Tensor, rate: float) -> None:
    """One step of Adam and of the reference gradient for the networks that had images."""
    steps = state["counts"]["steps"]
    steps += active
    t = steps.clamp(min=1)
    for name, slope in slopes.items():
        shape = (-1, *[1] * (slope.ndim - 1))
        on, count = active.view(shape), t.view(shape)
        first, second = state["first"][name], state["second"][name]
        first.copy_(torch.where(on, BETA1 * first + (1 - BETA1) * slope, first))
        second.copy_(torch.where(on, BETA2 * second + (1 - BETA2) * slope.square(), second))
        root = (second / (1 - BETA2**count)).sqrt() + EPSILON
        moved = state["weights"][name] - rate / (1 - BETA1**count) * first / root
        state["weights"][name] = torch.where(on, moved, state["weights"][name])
        if name in state["mean"]:
            mean = state["mean"][name]
            state["mean"][name] = torch.where(on, mean + (slope - mean) / count, mean)


def _validate(
    compute: _Compute, state: dict[str, Stack], images: Sequence[Tensor], batch_size: int
) -> list[dict[str, float]]:
    device = images[0].device
    orders = [torch.arange(len(x), device=device) for x in images]
    sums = torch.zeros(2, len(images), dtype=torch.float64, device=device)
    n = torch.tensor([len(x) for x in images], device=device)
    for places in _batches(orders, batch_size):
        x, share = _stack(images, places)
        noise = x.new_zeros(*x.shape[:2], LATENT)  # a VAE is validated at its mean
        loss, cosine = compute.losses(state["weights"], state["mean"], x, share, noise)
        part = torch.tensor([len(place) for place in places], device=device) / n
        sums += torch.stack([loss, cosine]).double() * part
    rows = sums.T.tolist()
    return [
        {"validation_L": loss, "validation_cosine": cosine, "validation_J": loss - alpha * cosine}
        for (loss, cosine), alpha in zip(rows, compute.alphas.tolist(), strict=True)
    ]
