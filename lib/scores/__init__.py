"""Anomaly scores: one number per image, higher is more anomalous, nothing changed on the way.

Beside them maps: one number per pixel, whose meaning each docstring says.
"""

from lib.scores.gradcon import gradcon_score, gradcon_scores, gradient_cosines, gradient_score
from lib.scores.gradients import decoder_gradients
from lib.scores.maps import error_map, input_gradient, saliency_map, scaled, squared
from lib.scores.reconstruction import reconstruction_error
from lib.scores.table import TABLE, ScoreEntry
from lib.scores.trivial import distance_to_mean, mean_brightness

__all__ = [
    "TABLE",
    "ScoreEntry",
    "decoder_gradients",
    "distance_to_mean",
    "error_map",
    "gradcon_score",
    "gradcon_scores",
    "gradient_cosines",
    "gradient_score",
    "input_gradient",
    "mean_brightness",
    "reconstruction_error",
    "saliency_map",
    "scaled",
    "squared",
]
