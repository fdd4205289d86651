"""Ranking, thresholds, maps and intervals.

Scores are higher for anomalies, and label 1 is the anomaly.
"""

from lib.metrics.bootstrap import bootstrap_interval
from lib.metrics.correspondence import correspondence
from lib.metrics.delong import delong_difference, delong_interval
from lib.metrics.equal_error import equal_error_rate
from lib.metrics.fields import FieldAgreement, field_agreement, weighted_correlation
from lib.metrics.intervals import (
    Interval,
    pearson_interval,
    share_difference_z,
    student_interval,
    wilson_interval,
)
from lib.metrics.learning import learning_state as learning_state
from lib.metrics.localization import (
    aupro,
    chance_average_precision,
    mask_share,
    pixel_auroc,
    pixel_average_precision,
    pooled_pixel_auroc,
    top_k_hits,
)
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
from lib.metrics.open_set import (
    REJECT,
    accuracy_with_reject,
    known_f_measure,
    macro_f_measure,
    predict_with_reject,
    thresholded_accuracy,
)
from lib.metrics.outline import (
    missed_share,
    missed_where_inked,
    outline_distance,
    reached_share,
    share_of_large,
)
from lib.metrics.ranking import auroc, average_precision, checked, checked_labels, roc_points
from lib.metrics.regions import REGION_METRICS, chance_region_numbers, region_numbers
from lib.metrics.similarity import gradient_histograms, histogram_correlation, spearman, ssim
from lib.metrics.swap import SwapEffects, swap_effects
from lib.metrics.thresholds import best_f1_threshold, f1_accept_all, f1_at
from lib.metrics.transforms import SIMILARITIES, TRANSFORMS, shifted, similarities_under_change

__all__ = [
    "REGION_METRICS",
    "REJECT",
    "SIMILARITIES",
    "TRANSFORMS",
    "FieldAgreement",
    "Interval",
    "SwapEffects",
    "accuracy_with_reject",
    "aupro",
    "auroc",
    "average_precision",
    "best_f1_threshold",
    "bootstrap_interval",
    "chance_average_precision",
    "chance_map_mse",
    "chance_max_distance",
    "chance_region_numbers",
    "chance_top_k",
    "chance_top_k_cdf",
    "checked",
    "checked_labels",
    "checked_maps",
    "correspondence",
    "delong_difference",
    "delong_interval",
    "equal_error_rate",
    "f1_accept_all",
    "f1_at",
    "field_agreement",
    "gradient_histograms",
    "histogram_correlation",
    "known_f_measure",
    "learning_state",
    "macro_f_measure",
    "map_mse",
    "mask_share",
    "max_distance",
    "missed_share",
    "missed_where_inked",
    "outline_distance",
    "pearson_interval",
    "pixel_auroc",
    "pixel_average_precision",
    "pooled_pixel_auroc",
    "predict_with_reject",
    "reached_share",
    "region_numbers",
    "roc_points",
    "share_difference_z",
    "share_of_large",
    "shifted",
    "similarities_under_change",
    "spearman",
    "ssim",
    "student_interval",
    "swap_effects",
    "thresholded_accuracy",
    "ties",
    "top_k_agreement",
    "top_k_hits",
    "weighted_correlation",
    "wilson_interval",
]
