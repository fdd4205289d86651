"""Ranking, thresholds, maps and intervals.

Scores are higher for anomalies, and label 1 is the anomaly.
"""

from lib.metrics.delong import delong_difference as delong_difference
from lib.metrics.delong import delong_interval as delong_interval
from lib.metrics.equal_error import equal_error_rate as equal_error_rate
from lib.metrics.fields import field_agreement as field_agreement
from lib.metrics.fields import weighted_correlation as weighted_correlation
from lib.metrics.intervals import Interval as Interval
from lib.metrics.intervals import pearson_interval as pearson_interval
from lib.metrics.intervals import student_interval as student_interval
from lib.metrics.intervals import wilson_interval as wilson_interval
from lib.metrics.learning import learning_state as learning_state
from lib.metrics.localization import aupro as aupro
from lib.metrics.localization import chance_average_precision as chance_average_precision
from lib.metrics.localization import mask_share as mask_share
from lib.metrics.localization import pixel_auroc as pixel_auroc
from lib.metrics.localization import pixel_average_precision as pixel_average_precision
from lib.metrics.localization import top_k_hits as top_k_hits
from lib.metrics.maps import chance_max_distance as chance_max_distance
from lib.metrics.maps import chance_top_k as chance_top_k
from lib.metrics.maps import chance_top_k_cdf as chance_top_k_cdf
from lib.metrics.maps import correspondence as correspondence
from lib.metrics.maps import map_mse as map_mse
from lib.metrics.maps import max_distance as max_distance
from lib.metrics.maps import top_k_agreement as top_k_agreement
from lib.metrics.open_set import REJECT as REJECT
from lib.metrics.open_set import macro_f_measure as macro_f_measure
from lib.metrics.open_set import predict_with_reject as predict_with_reject
from lib.metrics.open_set import thresholded_accuracy as thresholded_accuracy
from lib.metrics.outline import missed_share as missed_share
from lib.metrics.outline import missed_where_inked as missed_where_inked
from lib.metrics.outline import outline_distance as outline_distance
from lib.metrics.outline import reached_share as reached_share
from lib.metrics.outline import share_of_large as share_of_large
from lib.metrics.ranking import auroc as auroc
from lib.metrics.ranking import checked_labels as checked_labels
from lib.metrics.ranking import roc_points as roc_points
from lib.metrics.regions import chance_region_numbers as chance_region_numbers
from lib.metrics.regions import region_numbers as region_numbers
from lib.metrics.similarity import gradient_histograms as gradient_histograms
from lib.metrics.similarity import histogram_correlation as histogram_correlation
from lib.metrics.similarity import spearman as spearman
from lib.metrics.similarity import ssim as ssim
from lib.metrics.thresholds import best_f1_threshold as best_f1_threshold
from lib.metrics.thresholds import f1_accept_all as f1_accept_all
from lib.metrics.thresholds import f1_at as f1_at
