"""Ranking, thresholds and intervals: scores are higher for anomalies, label 1 is the anomaly."""

from lib.metrics.delong import delong_difference, delong_interval
from lib.metrics.intervals import Interval, student_interval, wilson_interval
from lib.metrics.ranking import auroc, average_precision, checked, checked_labels, roc_points
from lib.metrics.thresholds import best_f1_threshold, f1_accept_all, f1_at

__all__ = [
    "Interval",
    "auroc",
    "average_precision",
    "best_f1_threshold",
    "checked",
    "checked_labels",
    "delong_difference",
    "delong_interval",
    "f1_accept_all",
    "f1_at",
    "roc_points",
    "student_interval",
    "wilson_interval",
]
