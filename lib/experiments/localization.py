"""Saliency against reconstruction error in an autoencoder of digits, and where a novelty is known.

Source: feeney2021localization; protocol and budget of the author's code, methods.md 3.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lib import data, metrics, numbers, scores, training
from lib.experiments import localization_rows as lo
from lib.experiments.cascading import cascading_maps
from lib.experiments.localization_author import author_rows as author_rows
from lib.experiments.localization_networks import DOCUMENT, Key, Maps, Study, maps_of, network
from lib.experiments.localization_networks import Settings as Settings
from lib.experiments.localization_networks import arm as arm
from lib.experiments.localization_networks import prepare as prepare
from lib.experiments.localization_networks import train as train
from lib.experiments.localization_rows import METHOD, UNTRAINED, Number, Place

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Measured:
    """The rows of a run, and what a page shows of it.

    `fitted` and `maps` (saliency and error of the test images) by training classes and seed;
    `planted` has images, regions and maps by seed and kind of planting, nothing where no class is
    novel. `seconds` is the time of all trainings, earlier parts of resumed ones included.
    """

    rows: pd.DataFrame
    study: Study
    fitted: dict[Key, training.TrainedAutoencoder]
    maps: dict[Key, Maps]
    planted: dict[tuple[int, str], Arrays]
    seconds: float


def measure(
    settings: Settings,
    *,
    device: str = "cpu",
    run: str = "localization",
    variant: Mapping[str, Any] | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> Measured:
    """Train the networks, compare their maps, and count everything that the document speaks of.

    `variant` sets the run apart from its profile and stands in every row; `report` is told how
    the trainings go. With a work folder each training keeps a checkpoint there and a killed run
    goes on from it. Raises BadInput, before any training, for settings that do not fit the images.
    """
    study = prepare(settings, device)
    fitted = {key: train(study, key, report) for key in study.splits}
    maps = {key: maps_of(done.model, study.x) for key, done in fitted.items()}
    sheet = _Sheet(study, fitted, maps, run, dict(variant or {}))
    for step in (_findings, _references, _pictures, _similarity, _decision, _sanity):
        step(sheet)
    planted, rows = _planted(sheet), sheet.rows
    if settings.weights:
        rows += author_rows(Path(settings.weights), study.images, ks=settings.k, run=run)
    seconds = sum(entry["seconds"] for done in fitted.values() for entry in done.history)
    return Measured(numbers.frame(rows), study, fitted, maps, planted, seconds)


class _Sheet:
    """The trained networks and their maps, and the rows as they grow."""

    def __init__(
        self,
        study: Study,
        fitted: dict[Key, training.TrainedAutoencoder],
        maps: dict[Key, Maps],
        run: str,
        variant: dict[str, Any],
    ) -> None:
        self.study, self.fitted, self.maps, self.variant = study, fitted, maps, variant
        self.ks, self.sample = study.settings.k, study.settings.sample
        self.own = {seed: fitted[study.first, seed].model for seed in study.settings.seeds}
        self._add, self.rows = numbers.collector(run=run, dataset=study.images.title)

    def add(self, found: list[Number], key: Key, *, method: str = METHOD, **more: Any) -> None:
        """Rows of numbers; training classes other than the document's make them a variant."""
        name, seed = key
        arms = {} if name == arm(DOCUMENT) else {"arm": name}
        for place, class_, n, value in found:
            cells = {**place._asdict(), "method": method, "class_": class_, "n": n, "seed": seed}
            self._add(value, **cells, **self.variant, **arms, **more)

    def untrained(self, seed: int) -> nn.Module:
        return network(seed, self.study.device)


def _findings(sheet: _Sheet) -> None:
    """Table 1 and findings 3 to 6: of each network at the end, and after the epochs to show."""
    study, ks = sheet.study, sheet.ks
    epochs, shown = study.settings.epochs, study.settings.shown
    for key, done in sheet.fitted.items():
        kinds, groups = study.kinds[key[0]], study.groups(key[0])
        for epoch, weights in done.snapshots.items():
            then = sheet.untrained(key[1])
            then.load_state_dict(weights)
            shared = metrics.correspondence(*maps_of(then, study.x), ks=ks)
            each = lo.kind_numbers(shared, kinds | groups, ks=ks)
            sheet.add(each, key, epochs_shown=epoch)
        shared = metrics.correspondence(*sheet.maps[key], ks=ks)
        sheet.add(lo.kind_numbers(shared, kinds, ks=ks, whole=True), key)
        sheet.add(lo.kind_numbers(shared, groups, ks=ks), key)
        names = study.images.class_names
        sheet.add(lo.class_numbers(shared, study.labels, names, ks=ks), key)
        for entry in done.history:
            if (epoch := int(entry["epoch"])) in shown | {epochs}:
                value = {lo.VALIDATION: entry["validation_L"]}
                held_out = lo.over(value, "normal", len(study.splits[key]["validation"]))
                more: dict[str, Any] = {} if epoch == epochs else {"epochs_shown": epoch}
                sheet.add(held_out, key, **more)


def _references(sheet: _Sheet) -> None:
    """The same network untrained, and two maps that have nothing to do with each other."""
    study, ks = sheet.study, sheet.ks
    for seed in sheet.own:
        key = study.first, seed
        shared = metrics.correspondence(*maps_of(sheet.untrained(seed), study.x), ks=ks)
        rng = training.numpy_generator(seed, "chance")
        for kind, members in study.kinds[study.first].items():
            each = lo.kind_numbers(shared, {kind: members}, ks=ks)
            sheet.add(each, key, method=UNTRAINED)
            saliency, error = (
                scores.scaled(torch.from_numpy(m[members])).numpy() for m in sheet.maps[key]
            )
            chance = lo.chance_numbers(saliency, error, ks=ks, rng=rng)
            sheet.add(lo.over(chance, kind, int(members.sum())), key, method="chance")


def _pictures(sheet: _Sheet) -> None:
    """Findings 1 and 2 as numbers, and section 3's claim that every pixel reaches every error."""
    study, x = sheet.study, sheet.study.x
    most = min(8, 1 + study.settings.attributed // 16)  # each takes 784 passes
    for key, pair in sheet.maps.items():
        each = lo.picture_findings(x[:, 0].cpu().numpy(), *pair)
        for kind, members in study.kinds[key[0]].items():
            sheet.add(lo.picture_numbers(each, members, class_=kind), key)
            few = x[data.evenly_spaced(members, most)]
            moved = scores.error_jacobian(sheet.fitted[key].model, few).cpu().numpy()
            sheet.add(lo.reach_numbers(moved, class_=kind), key)


def _similarity(sheet: _Sheet) -> None:
    """Section 2.3: similarities of whole maps under changes that should matter little."""
    study = sheet.study
    for seed, model in sheet.own.items():
        key = study.first, seed
        for kind, members in study.kinds[study.first].items():
            some = data.evenly_spaced(members, sheet.sample)
            signed = scores.input_gradient(model, study.x[some])[:, 0].cpu()
            signed = signed / signed.abs().amax((1, 2), keepdim=True)
            error = scores.scaled(torch.from_numpy(sheet.maps[key][1][some]))
            pair = signed.double().numpy(), error.double().numpy()
            for word, found in lo.change_numbers(*pair, class_=kind).items():
                sheet.add(found, key, **({"transform": word} if word else {}))


def _decision(sheet: _Sheet) -> None:
    """Section 2.1: a threshold at a percentile of the training errors, and what ranks images."""
    study, x = sheet.study, sheet.study.x
    for key, done in sheet.fitted.items():
        kinds, train_x = study.kinds[key[0]], study.part(key, "train")
        parts = {"train": train_x, "validation": study.part(key, "validation")}
        parts |= {kind: x[members] for kind, members in kinds.items()}
        error_of = partial(scores.reconstruction_error, done.model)
        errors = {word: error_of(part).cpu().numpy() for word, part in parts.items()}
        sheet.add(lo.flagged_numbers(errors), key)
        if "novel" not in kinds:
            continue
        saliency, error = sheet.maps[key]
        ranked = {
            (METHOD, lo.ERROR): error_of(x),
            (METHOD, "largest pixel error"): error.max((1, 2)),
            (METHOD, "mean saliency"): saliency.mean((1, 2)),
            (UNTRAINED, lo.ERROR): scores.reconstruction_error(sheet.untrained(key[1]), x),
            ("trivial", "mean brightness"): scores.mean_brightness(x),
            ("trivial", "distance to mean"): scores.distance_to_mean(x, train_x),
        }
        labels = kinds["novel"].astype(np.int64)
        for (method, score), values in ranked.items():
            auroc = {lo.ranked_place(score): metrics.auroc(labels, _array(values))}
            sheet.add(lo.over(auroc, "novel", len(labels)), key, method=method)


def _planted(sheet: _Sheet) -> dict[tuple[int, str], Arrays]:
    """Known novel regions, planted into test images that are normal to the network."""
    study, shown, tables = sheet.study, {}, []
    kinds = study.kinds[study.first]
    if "novel" not in kinds:
        return {}
    for seed, kind in [(seed, kind) for seed in sheet.own for kind in data.PLANTED]:
        some = [data.evenly_spaced(members, sheet.sample) for members in kinds.values()]
        pools = (study.x[each].cpu() for each in some)
        x, masks = data.plant(kind, *pools, generator=training.generator(seed, "plant", kind))
        given, draw = x.to(study.device), partial(training.generator, seed, "smooth", kind)
        maps = {
            METHOD: scores.network_maps(sheet.own[seed], given, generator=draw()),
            "trivial": scores.trivial_maps(given, study.part((study.first, seed), "train")),
            UNTRAINED: scores.network_maps(sheet.untrained(seed), given, generator=draw()),
        }
        tried = {m: {score: t.cpu().numpy() for score, t in by.items()} for m, by in maps.items()}
        shown[seed, kind] = {"image": x[:, 0].numpy(), "novel region": masks.numpy()}
        shown[seed, kind] |= tried[METHOD] | tried["trivial"]
        tables.append(lo.region_table(tried, masks.numpy()).assign(seed=seed, kind=kind))
    for line in lo.with_average_kind(tables).to_dict("records"):
        number = {Place(line["table"], line["score"], line["metric"]): line["value"]}
        key = study.first, line["seed"]
        sheet.add(lo.over(number, "novel", line["n"]), key, method=line["method"])
    return shown


def _sanity(sheet: _Sheet) -> None:
    """Section 2.2: do maps change where weights are randomised, from the output back?"""
    study = sheet.study
    normal = study.kinds[study.first]["normal"]
    x = study.x[data.evenly_spaced(normal, study.settings.attributed)]
    for seed, model in sheet.own.items():
        key = study.first, seed
        attributions: dict[str, Callable[[nn.Module, Tensor], Tensor]] = {
            "saliency": scores.saliency_map,
            "gradient x input": scores.gradient_times_input,
            "integrated gradients": scores.integrated_gradients,
            "guided back-propagation": scores.guided_backpropagation,
            "SmoothGrad": partial(_smooth_gradient, seed=seed),
        }
        pair = model, network(seed, study.device, "randomise")
        cascades = {score: cascading_maps(by, *pair, x) for score, by in attributions.items()}
        table = lo.cascade_table(cascades)
        for metric in ("Spearman", "SSIM"):
            for line in table.to_dict("records"):
                found = {lo.sanity_place(line["score"], metric): line[metric]}
                sheet.add(lo.over(found, "normal", len(x)), key, randomised=line["stage"])
            for score, value in table.groupby("score")[metric].mean().items():
                found = {lo.sanity_place(str(score), metric, mean=True): value}
                sheet.add(lo.over(found, "normal", len(x)), key)


def _smooth_gradient(model: nn.Module, x: Tensor, *, seed: int) -> Tensor:
    """With the same draws for each network."""
    return scores.smooth_gradient(model, x, generator=training.generator(seed, "smooth"))


def _array(values: Tensor | NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(torch.as_tensor(values).cpu())
