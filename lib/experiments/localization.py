"""Saliency against reconstruction error in an autoencoder of digits, and where a novelty is known.

Source: feeney2021localization; protocol and budget of the author's code, methods.md 3.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from lib import data, metrics, numbers, scores, training
from lib.experiments import localization_rows as lo
from lib.experiments.cascading import cascading_maps
from lib.experiments.localization_author import author_networks
from lib.experiments.localization_networks import DOCUMENT, Key, Maps, Study, maps_of, network
from lib.experiments.localization_networks import Settings as Settings
from lib.experiments.localization_networks import arm as arm
from lib.experiments.localization_networks import prepare as prepare
from lib.experiments.localization_networks import train as train
from lib.experiments.localization_rows import METHOD, UNTRAINED, Place
from lib.run import workspace


@dataclass(frozen=True, eq=False)
class Measured:
    """The rows of a run, and what a page shows of it.

    `fitted` and `maps` (saliency and error of the test images) by training classes and seed.
    `seconds` is the time of all trainings, earlier parts of resumed ones included.
    """

    rows: pd.DataFrame
    study: Study
    fitted: dict[Key, training.TrainedAutoencoder]
    maps: dict[Key, Maps]
    seconds: float

    @property
    def images(self) -> data.ImageSet:
        return self.study.images


def measure(
    settings: Settings, device: str = "cpu", *, progress: Callable[[str], None] = print
) -> Measured:
    """Train the networks, compare their maps, and count everything that the document speaks of.

    With a work folder each training keeps a checkpoint there and a killed run goes on from it.
    Raises BadInput, before any training, for settings that do not fit the images.
    """
    study = prepare(settings, device)
    fitted = {key: train(study, key, progress) for key in study.splits}
    maps = {key: maps_of(done.model, study.x) for key, done in fitted.items()}
    sheet = _Sheet(study, fitted, maps)
    for step in (_findings, _references, _pictures, _similarity, _decision, _planted, _sanity):
        step(sheet)
    if settings.weights:
        _author(sheet)
    seconds = sum(entry["seconds"] for done in fitted.values() for entry in done.history)
    return Measured(numbers.frame(sheet.rows), study, fitted, maps, seconds)


class _Sheet:
    """The trained networks and their maps, and the rows as they grow."""

    def __init__(
        self,
        study: Study,
        fitted: Mapping[Key, training.TrainedAutoencoder],
        maps: Mapping[Key, Maps],
    ) -> None:
        self.study, self.fitted, self.maps = study, fitted, maps
        self.ks, self.variant = study.settings.k, study.settings.changed
        self.own = {seed: fitted[study.first, seed].model for seed in study.settings.seeds}
        self.untrained = {seed: network(seed, study.device) for seed in self.own}
        run = workspace.run_name("localization", study.settings.model_dump())
        self._add, self.rows = numbers.collector(run=run, dataset=study.images.title)

    def add(
        self,
        values: Mapping[Place, Any],
        key: Key,
        class_: str,
        n: int,
        *,
        method: str = METHOD,
        **more: Any,
    ) -> None:
        """A row per number; our trainings on other classes than the document's are variants."""
        name, seed = key
        own = self.variant if key in self.fitted else {}
        if key in self.fitted and name != arm(DOCUMENT):
            own = {**own, "arm": name}
        for place, value in values.items():
            cells = {**place._asdict(), "method": method, "class_": class_, "n": n, "seed": seed}
            self._add(float(value), **cells, **own, **more)

    def compare(
        self, maps: Maps, key: Key, kinds: Mapping[str, Any], **more: Any
    ) -> dict[str, Any]:
        """Rows of the two maps' correspondence over each kind of images; its values per image."""
        shared = metrics.correspondence(*maps, ks=self.ks)
        for kind, members in kinds.items():
            part = {name: values[members] for name, values in shared.items()}
            self.add(lo.paper_numbers(part, ks=self.ks), key, kind, int(members.sum()), **more)
        return shared


def _findings(sheet: _Sheet) -> None:
    """Table 1 and findings 3 to 6: of each network at the end, and after the epochs to show."""
    study = sheet.study
    for key, done in sheet.fitted.items():
        kinds = study.kinds[key[0]]
        for epoch, weights in done.snapshots.items():
            then = copy.deepcopy(sheet.untrained[key[1]])
            then.load_state_dict(weights)
            sheet.compare(maps_of(then, study.x), key, kinds, epochs_shown=epoch)
        shared = sheet.compare(sheet.maps[key], key, kinds)
        for label in np.unique(study.labels):
            members = study.labels == label
            for k in sheet.ks:
                mostly = np.mean(shared[f"agreement {k}"][members] > k // 2)
                place = lo.agreement_place(k, most=True)._replace(table=f"digits-top{k}-agreement")
                name = study.images.class_names[label]
                sheet.add({place: mostly}, key, name, int(members.sum()))


def _references(sheet: _Sheet) -> None:
    """The same network untrained, and two maps that have nothing to do with each other."""
    study = sheet.study
    kinds = study.kinds[study.first]
    for seed in sheet.own:
        key = study.first, seed
        sheet.compare(maps_of(sheet.untrained[seed], study.x), key, kinds, method=UNTRAINED)
        rng = training.numpy_generator(seed, "chance")
        for kind, members in kinds.items():
            chance = lo.chance_numbers(*study.x.shape[2:], ks=sheet.ks, rng=rng)
            sheet.add(chance, key, kind, int(members.sum()), method="chance")


def _pictures(sheet: _Sheet) -> None:
    """Findings 1 and 2 as numbers, and section 3's claim that every pixel reaches every error."""
    study, x = sheet.study, sheet.study.x
    most = min(8, 1 + study.settings.attributed // 16)  # each takes 784 passes
    for key, pair in sheet.maps.items():
        pictures = lo.picture_values(x[:, 0].cpu().numpy(), *pair)
        for kind, members in study.kinds[key[0]].items():
            for place, values in pictures.items():
                counted = values[members][~np.isnan(values[members])]
                sheet.add({place: counted.mean()}, key, kind, len(counted))
            few = x[data.evenly_spaced(members, most)]
            moved = scores.error_jacobian(sheet.fitted[key].model, few).cpu().numpy()
            sheet.add({lo.REACH: metrics.reached_share(moved).mean()}, key, kind, len(few))


def _similarity(sheet: _Sheet) -> None:
    """Sections 2.3 and 3.1: similarities of maps under changes that should matter little."""
    study = sheet.study
    for seed in sheet.own:
        key = study.first, seed
        for kind, members in study.kinds[study.first].items():
            some = data.evenly_spaced(members, study.settings.sample)
            scaled = (scores.scaled(torch.from_numpy(each[some])) for each in sheet.maps[key])
            changes = lo.change_numbers(*(each.double().numpy() for each in scaled))
            for word, found in changes.items():
                sheet.add(found, key, kind, len(some), **({"transform": word} if word else {}))


def _decision(sheet: _Sheet) -> None:
    """Section 2.1: a threshold at a percentile of the training errors, and what ranks images."""
    study, x = sheet.study, sheet.study.x
    for key, done in sheet.fitted.items():
        kinds, train_x = study.kinds[key[0]], study.part(key, "train")
        errors = scores.reconstruction_error(done.model, x)
        threshold = np.quantile(
            scores.reconstruction_error(done.model, train_x).cpu().numpy(), 0.95
        )
        for kind, members in kinds.items():
            flagged = np.mean(errors.cpu().numpy()[members] > threshold)
            sheet.add({lo.FLAGGED: flagged}, key, kind, int(members.sum()))
        if "novel" not in kinds:
            continue
        ranked = {
            (METHOD, lo.ERROR): errors,
            (UNTRAINED, lo.ERROR): scores.reconstruction_error(sheet.untrained[key[1]], x),
            ("trivial", "mean brightness"): scores.mean_brightness(x),
            ("trivial", "distance to mean"): scores.distance_to_mean(x, train_x),
        }
        novel = kinds["novel"].astype(np.int64)
        for (method, score), values in ranked.items():
            auroc = {lo.ranked_place(score): metrics.auroc(novel, values.cpu().numpy())}
            sheet.add(auroc, key, "novel", len(novel), method=method)


def _planted(sheet: _Sheet) -> None:
    """Known novel regions, planted into test images that are normal to the network."""
    study, sample = sheet.study, sheet.study.settings.sample
    kinds = study.kinds[study.first]
    if "novel" not in kinds:
        return
    pools = [study.x[data.evenly_spaced(members, sample)].cpu() for members in kinds.values()]
    for seed, model in sheet.own.items():
        key, n = (study.first, seed), 0
        values: dict[tuple[str, Place], list[float]] = {}
        for kind in data.PLANTED:
            x, masks = data.plant(kind, *pools, generator=training.generator(seed, "plant", kind))
            given, truth = x.to(study.device), masks.numpy()
            error, saliency = scores.error_map(model, given), scores.saliency_map(model, given)
            drawing = training.generator(seed, "smooth", kind)
            tried = {
                (METHOD, lo.ERROR): error,
                (METHOD, lo.SALIENCY): saliency,
                (METHOD, "squared saliency"): saliency.square(),
                (METHOD, "product"): error * saliency,
                (METHOD, "smoothed gradient"): scores.smooth_gradient(
                    model, given, generator=drawing
                ),
                (UNTRAINED, lo.ERROR): scores.error_map(sheet.untrained[seed], given),
            }
            trivial = scores.trivial_maps(given, study.part(key, "train"))
            tried |= {("trivial", score): each for score, each in trivial.items()}
            regions = {
                place: metrics.region_numbers(each.cpu().numpy(), truth)
                for place, each in tried.items()
            }
            regions["chance", ""] = metrics.chance_region_numbers(truth)
            n += len(truth)
            for (method, score), by_metric in regions.items():
                for metric, value in by_metric.items():
                    place = Place(f"planted-{kind.replace(' ', '-')}", score, metric)
                    sheet.add({place: value}, key, "novel", len(truth), method=method)
                    average = method, place._replace(table="planted-average")
                    values.setdefault(average, []).append(value)
        for (method, place), each in values.items():
            sheet.add({place: np.mean(each)}, key, "novel", n, method=method)


def _sanity(sheet: _Sheet) -> None:
    """Section 2.2: do maps change where weights are randomised, from the output back?"""
    study = sheet.study
    normal = study.kinds[study.first]["normal"]
    x = study.x[data.evenly_spaced(normal, study.settings.attributed)]
    for seed, model in sheet.own.items():
        key, fresh = (study.first, seed), network(seed, study.device, "randomise")
        attributions: dict[str, Callable[[nn.Module, Tensor], Tensor]] = {
            "saliency": scores.saliency_map,
            "gradient x input": scores.gradient_times_input,
            "integrated gradients": scores.integrated_gradients,
            "guided back-propagation": scores.guided_backpropagation,
            "SmoothGrad": partial(_smooth_gradient, seed=seed),
        }
        for score, attribute in attributions.items():
            before, *later = cascading_maps(attribute, model, fresh, x)
            # a map can be constant: then it shares nothing with the old one
            stages = {
                "Spearman": [np.nan_to_num(metrics.spearman(before, m)).mean() for m in later],
                "SSIM": [metrics.ssim(before, m).mean() for m in later],
            }
            for metric, values in stages.items():
                for stage, value in enumerate(values, start=1):
                    found = {lo.sanity_place(score, metric): value}
                    sheet.add(found, key, "normal", len(x), randomised=stage)
                mean = {lo.sanity_place(score, metric, mean=True): np.mean(values)}
                sheet.add(mean, key, "normal", len(x))


def _smooth_gradient(model: nn.Module, x: Tensor, *, seed: int) -> Tensor:
    """With the same draws for each network."""
    return scores.smooth_gradient(model, x, generator=training.generator(seed, "smooth"))


def _author(sheet: _Sheet) -> None:
    """The author's own weights, on all test images, with digits 0-4 normal."""
    study, key = sheet.study, ("author", 0)
    kinds = data.normal_and_novel(study.labels, DOCUMENT)
    for method, setting, model in author_networks(Path(study.settings.weights)):
        maps = maps_of(model.to(study.device), study.x)
        cells: dict[str, Any] = {"method": method, **setting}
        sheet.compare(maps, key, kinds, **cells)
        rank = metrics.spearman(*maps)
        for kind, members in kinds.items():
            mean = {lo.RANKED: np.nanmean(rank[members])}
            sheet.add(mean, key, kind, int(members.sum()), **cells)
