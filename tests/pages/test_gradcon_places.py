"""Where GradCon's scores stand: every score in its row, every setting where it has a part."""

import numpy as np
import pytest

from lib.pages.gradcon import GRADCON
from lib.pages.gradcon_places import (
    BETAS,
    LAYERS,
    LENGTH,
    changed,
    full_test_scores,
    main_places,
    network_scores,
    other_errors,
    prolonged_scores,
    variants,
    watched_scores,
)
from lib.results.variants import variant
from lib.run import parameters

CHANGED = {"alpha": 0.5, "beta": 2.0, "lr": 0.01}
LOOSE, TRAIN = {"lr": 0.01}, {"alpha": 0.5, "lr": 0.01}
CONTROL = {"alpha": 0, "lr": 0.01}


def test_what_a_run_changes_goes_by_the_keys_of_variants(monkeypatch):
    own = {"alpha": 0.03, "beta": 0.12, "learning_rate": 0.001, "selection": "best"}
    own |= {"reconstruction": "squared", "averaging": "all", "epochs": 60}
    monkeypatch.setattr(parameters, "own_values", lambda chapter, name: dict(own))
    usual = own | {"profile": "full"}
    assert changed(usual | {"epochs": 20}) == {}  # a budget is told by the run, not the variant
    other = {"alpha": 0.5, "learning_rate": 0.01, "reconstruction": "bce", "averaging": "decaying"}
    assert changed(usual | other | {"selection": "last"}) == {
        **{"alpha": 0.5, "lr": 0.01, "loss": "bce"},
        **{"reference": "decaying", "selection": "last"},
    }


def of(start, *names):
    """Scores of two images that no other network has."""
    return {name: np.array([start + i, start]) for i, name in enumerate(names)}


CAE = of(10.0, "recon", "grad", GRADCON)
CONSTRAINED = of(20.0, "recon", "grad", GRADCON, LENGTH, *LAYERS)
TESTED = {
    "CAE": CAE,
    "CAE+Grad": CONSTRAINED,
    "CAE, final": of(30.0, "recon", "grad", GRADCON),
    "CAE+Grad, final": of(40.0, "recon", "grad", GRADCON),
    "untrained CAE": of(50.0, "recon", "grad", GRADCON),
    "trivial": of(60.0, "mean brightness"),
}
VAES = {
    name: of(start, "recon", "latent", "grad")
    for name, start in (("VAE", 70.0), ("VAE+Grad", 80.0))
}


def placed(found):
    """Values of the first image by method, score and variant; each place comes once."""
    table = {(p.method, p.score, variant(**p.setting)): p.values[0] for p in found}
    assert len(table) == len(found)
    return table


def test_settings_stand_only_where_they_have_a_part():
    found = variants(CHANGED)
    assert (found.loose, found.train, found.whole) == (LOOSE, TRAIN, CHANGED)
    assert found.control == CONTROL
    assert found.of("VAE") == LOOSE and found.of("VAE+Grad") == TRAIN
    assert variants({}).control == {"alpha": 0}


def test_every_score_of_the_pair_has_its_row():
    found = placed(network_scores(TESTED, variants(CHANGED), beta=2.0))
    loose, train, control = (variant(**setting) for setting in (LOOSE, TRAIN, CONTROL))
    wanted = {
        ("CAE", "recon", loose): 10,
        ("CAE+Grad", "grad", control): 11,
        ("CAE+Grad", "recon", train): 20,
        ("CAE+Grad", "grad", train): 21,
        ("GradCon", GRADCON, variant(**CHANGED)): 22,
        ("CAE+Grad", LENGTH, train): 23,
        ("untrained CAE", "recon", loose): 50,
        ("untrained CAE", "grad", loose): 51,
        ("mean brightness", "", loose): 60,
        ("CAE+Grad", "grad", variant(**TRAIN, reference="final")): 41,
        ("CAE+Grad", "grad", variant(**CONTROL, reference="final")): 31,
        ("GradCon", GRADCON, variant(**CHANGED, reference="final")): 42,
    }
    wanted |= {("CAE+Grad", "grad", variant(**TRAIN, layer=i)): 23 + i for i in range(1, 5)}
    # 20 + beta * 21
    wanted |= {("GradCon", GRADCON, variant(**TRAIN, beta=b)): 20 + b * 21 for b in BETAS}
    assert found == wanted


def test_the_own_weight_is_not_tried_twice():
    found = placed(network_scores(TESTED, variants({}), beta=BETAS[1]))
    tried = {key[2] for key in found if key[0] == "GradCon" and "beta" in key[2]}
    assert tried == {variant(beta=b) for b in BETAS if b != BETAS[1]}


def test_a_final_reference_is_no_row_beside_another_one_in_training():
    found = placed(network_scores(TESTED, variants({"reference": "decaying"}), beta=0.12))
    assert found["CAE+Grad", "grad", "reference=decaying"] == 21
    assert not any("final" in key[2] for key in found)
    usual = placed(network_scores(TESTED, variants({}), beta=0.12))
    assert sum("final" in key[2] for key in usual) == 3


def test_variational_networks_come_where_they_were_trained():
    found = placed(network_scores(TESTED | VAES, variants(CHANGED), beta=2.0))
    loose, train, control = (variant(**setting) for setting in (LOOSE, TRAIN, CONTROL))
    assert {key: value for key, value in found.items() if "VAE" in key[0]} == {
        ("VAE", "recon", loose): 70,
        ("VAE", "latent", loose): 71,
        ("VAE+Grad", "grad", control): 72,
        ("VAE+Grad", "recon", train): 80,
        ("VAE+Grad", "latent", train): 81,
        ("VAE+Grad", "grad", train): 82,
    }


@pytest.mark.parametrize(
    ("reconstruction", "other"), [("squared", "cross-entropy"), ("bce", "squared error")]
)
def test_the_error_that_was_not_trained_on_has_a_table_of_its_own(reconstruction, other):
    names = ("CAE", "CAE+Grad", "VAE", "VAE+Grad", "untrained CAE")
    tested = {name: of(10.0 * i, other) for i, name in enumerate(names)}
    tested["no network"] = of(60.0, "pixel entropy")
    found = other_errors(tested, variants(CHANGED), reconstruction=reconstruction)
    assert {p.table for p in found} == {"other-error-auroc"}
    loose, train = variant(**LOOSE), variant(**TRAIN)
    assert placed(found) == {
        ("CAE", other, loose): 0,
        ("CAE+Grad", other, train): 10,
        ("VAE", other, loose): 20,
        ("VAE+Grad", other, train): 30,
        ("untrained CAE", other, loose): 40,
        ("pixel entropy", "", loose): 60,
    }
    del tested["VAE"], tested["VAE+Grad"]
    assert len(other_errors(tested, variants({}), reconstruction=reconstruction)) == 4


def test_longer_trainings_and_other_test_images_are_told_apart():
    two = {"CAE": CAE, "CAE+Grad": CONSTRAINED}
    assert placed(prolonged_scores(two, variants({}), epochs=150)) == {
        ("CAE", "recon", "epochs=150"): 10,
        ("CAE+Grad", "recon", "epochs=150"): 20,
        ("CAE+Grad", "grad", "epochs=150"): 21,
        ("GradCon", GRADCON, "epochs=150"): 22,
    }
    assert placed(full_test_scores(two, variants({"beta": 2}))) == {
        ("CAE", "recon", "test=full"): 10,
        ("CAE+Grad", "grad", "test=full"): 21,
        ("GradCon", GRADCON, "beta=2;test=full"): 22,
    }
    assert placed(watched_scores("CAE", 5, CAE, variants({}))) == {
        ("CAE", "recon", "epochs_shown=5"): 10,
        ("CAE+Grad", "grad", "alpha=0;epochs_shown=5"): 11,
    }
    assert placed(watched_scores("CAE+Grad", 5, CONSTRAINED, variants({}))) == {
        ("CAE+Grad", "recon", "epochs_shown=5"): 20,
        ("CAE+Grad", "grad", "epochs_shown=5"): 21,
    }


@pytest.mark.parametrize("methods", [["CAE", "CAE+Grad"], ["CAE", "CAE+Grad", "VAE", "VAE+Grad"]])
def test_main_places_are_among_the_rows(methods):
    tested = TESTED | {name: VAES[name] for name in methods if name in VAES}
    tested["trivial"] = of(60.0, "distance to mean")
    found = placed(network_scores(tested, variants(CHANGED), beta=2.0))
    names = main_places(variants(CHANGED), methods)
    assert {(m, s, variant(**setting)) for m, s, setting in names.values()} <= set(found)
    assert ("VAE latent" in names) == ("VAE" in methods)


def test_a_place_is_what_a_row_is_added_with():
    first = network_scores(TESTED, variants({"lr": 0.01}), beta=0.12)[0]
    assert first.place == {"table": "baseline-auroc", "method": "CAE", "score": "recon", "lr": 0.01}
