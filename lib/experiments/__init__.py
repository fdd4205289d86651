"""Experiments of the documents that join networks, training and scores.

Each takes what it needs and returns numbers or arrays, of which a chapter makes rows and figures.
Nothing else of lib imports this.
"""

from lib.experiments import gradcon as gradcon
from lib.experiments.cascading import cascading_maps
from lib.experiments.clutter import ClutterImages, clutter_errors
from lib.experiments.confidence import alpha_curves, alpha_losing, chosen_alpha
from lib.experiments.one_class import one_class_scores
from lib.experiments.open_set import Opinion, baseline_opinions, network_opinion
from lib.experiments.plane import (
    density_agreement,
    mixture_autoencoder,
    moved,
    ring_functions,
    ring_networks,
)

__all__ = [
    "ClutterImages",
    "Opinion",
    "alpha_curves",
    "alpha_losing",
    "baseline_opinions",
    "cascading_maps",
    "chosen_alpha",
    "clutter_errors",
    "density_agreement",
    "gradcon",
    "mixture_autoencoder",
    "moved",
    "network_opinion",
    "one_class_scores",
    "ring_functions",
    "ring_networks",
]
