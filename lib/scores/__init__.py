"""Anomaly scores: one number per image, higher is more anomalous, nothing changed on the way.

Beside them maps: one number per pixel, whose meaning each docstring says.
"""

from lib.scores.attribution import (
    gradient_times_input,
    guided_backpropagation,
    integrated_gradients,
    smooth_gradient,
)
from lib.scores.candidates import network_maps, trivial_maps
from lib.scores.confidence import (
    alpha_keeping,
    cool_log_outputs,
    log_confidence,
    log_curvature_factor,
    rejection_score,
)
from lib.scores.curvature import curvature, hutchinson_trace, jacobian_trace, trace_errors
from lib.scores.deep_svdd import deep_svdd_score
from lib.scores.fisher import (
    fisher_diagonal,
    fisher_kernel,
    fisher_score,
    fisher_self,
    mean_fisher_score,
)
from lib.scores.gpnd import codes_and_distances, fit_gpnd, gpnd_score
from lib.scores.gradcon import gradcon_score, gradcon_scores, gradient_cosines, gradient_score
from lib.scores.gradients import decoder_gradients, gradient_magnitudes
from lib.scores.jacobian import error_jacobian
from lib.scores.logits import (
    energy,
    ensemble_max_logit,
    ensemble_max_probability,
    entropy,
    max_logit,
    max_probability,
)
from lib.scores.lsa import lsa_score, lsa_scores
from lib.scores.maps import (
    error_map,
    input_gradient,
    product_map,
    saliency_map,
    scaled,
    squared,
)
from lib.scores.neighbour_confidence import knn_confidence
from lib.scores.odin import generalized_odin, head_scores, odin, odin_grid
from lib.scores.one_class import (
    fit_kde,
    fit_one_class_svm,
    label_chosen_one_class_svm,
    one_class_svm_score,
)
from lib.scores.open_max import OpenMax, fit_open_max
from lib.scores.open_set_svm import (
    OneVsSet,
    WeibullSVM,
    fit_one_vs_set,
    fit_weibull_svm,
)
from lib.scores.oracle import (
    forest_learning_curve,
    forest_score,
    linear_probe_score,
    nominal_neighbour_distance,
    oracle_neighbour_vote,
)
from lib.scores.outputs import error_lengths, in_batches, log_outputs, log_outputs_and_errors
from lib.scores.reconstruction import reconstruction_error
from lib.scores.table import LOGIT_TABLE, TABLE, ScoreEntry
from lib.scores.trivial import (
    distance_to_mean,
    distance_to_nearest,
    mean_brightness,
    pixel_entropy,
)
from lib.scores.trivial_maps import intensity_map, mean_difference_map
from lib.scores.vae import cross_entropy_error, elbo_score, latent_score

__all__ = [
    "LOGIT_TABLE",
    "TABLE",
    "OneVsSet",
    "OpenMax",
    "ScoreEntry",
    "WeibullSVM",
    "alpha_keeping",
    "codes_and_distances",
    "cool_log_outputs",
    "cross_entropy_error",
    "curvature",
    "decoder_gradients",
    "deep_svdd_score",
    "distance_to_mean",
    "distance_to_nearest",
    "elbo_score",
    "energy",
    "ensemble_max_logit",
    "ensemble_max_probability",
    "entropy",
    "error_jacobian",
    "error_lengths",
    "error_map",
    "fisher_diagonal",
    "fisher_kernel",
    "fisher_score",
    "fisher_self",
    "fit_gpnd",
    "fit_kde",
    "fit_one_class_svm",
    "fit_one_vs_set",
    "fit_open_max",
    "fit_weibull_svm",
    "forest_learning_curve",
    "forest_score",
    "generalized_odin",
    "gpnd_score",
    "gradcon_score",
    "gradcon_scores",
    "gradient_cosines",
    "gradient_magnitudes",
    "gradient_score",
    "gradient_times_input",
    "guided_backpropagation",
    "head_scores",
    "hutchinson_trace",
    "in_batches",
    "input_gradient",
    "integrated_gradients",
    "intensity_map",
    "jacobian_trace",
    "knn_confidence",
    "label_chosen_one_class_svm",
    "latent_score",
    "linear_probe_score",
    "log_confidence",
    "log_curvature_factor",
    "log_outputs",
    "log_outputs_and_errors",
    "lsa_score",
    "lsa_scores",
    "max_logit",
    "max_probability",
    "mean_brightness",
    "mean_difference_map",
    "mean_fisher_score",
    "network_maps",
    "nominal_neighbour_distance",
    "odin",
    "odin_grid",
    "one_class_svm_score",
    "oracle_neighbour_vote",
    "pixel_entropy",
    "product_map",
    "reconstruction_error",
    "rejection_score",
    "saliency_map",
    "scaled",
    "smooth_gradient",
    "squared",
    "trace_errors",
    "trivial_maps",
]
