"""Ranking, thresholds, maps and intervals.

Scores are higher for anomalies, and label 1 is the anomaly.
"""

from lib.metrics.delong import delong_difference, delong_interval
from lib.metrics.intervals import Interval, student_interval, wilson_interval
from lib.metrics.maps import (
    chance_map_mse,
    chance_max_distance,
    chance_top_k,
    chance_top_k_cdf,
    checked_maps,
    map_mse,
    max_distance,
    ties,
    top_k_agreement,
)
from lib.metrics.ranking import auroc, average_precision, checked, checked_labels, roc_points
from lib.metrics.similarity import gradient_histograms, histogram_correlation, spearman, ssim
from lib.metrics.thresholds import best_f1_threshold, f1_accept_all, f1_at

__all__ = [
    "Interval",
    "auroc",
    "average_precision",
    "best_f1_threshold",
    "chance_map_mse",
    "chance_max_distance",
    "chance_top_k",
    "chance_top_k_cdf",
    "checked",
    "checked_labels",
    "checked_maps",
    "delong_difference",
    "delong_interval",
    "f1_accept_all",
    "f1_at",
    "gradient_histograms",
    "histogram_correlation",
    "map_mse",
    "max_distance",
    "roc_points",
    "spearman",
    "ssim",
    "student_interval",
    "ties",
    "top_k_agreement",
    "wilson_interval",
]
