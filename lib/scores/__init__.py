"""Anomaly scores: one number per image, higher is more anomalous, nothing changed on the way."""

from lib.scores.gradcon import gradcon_score, gradcon_scores, gradient_cosines, gradient_score
from lib.scores.gradients import decoder_gradients
from lib.scores.reconstruction import reconstruction_error
from lib.scores.table import TABLE, ScoreEntry
from lib.scores.trivial import distance_to_mean, mean_brightness

__all__ = [
    "TABLE",
    "ScoreEntry",
    "decoder_gradients",
    "distance_to_mean",
    "gradcon_score",
    "gradcon_scores",
    "gradient_cosines",
    "gradient_score",
    "mean_brightness",
    "reconstruction_error",
]
