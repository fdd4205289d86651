"""Every method of the comparison: its sign, its draws, its traces; and the table of them all."""

import dataclasses
import functools

import numpy as np
import pytest
import torch

from lib.data.contrast import contrast_scaled, fit_contrast_range
from lib.errors import BadInput, UnknownName
from lib.methods.dae import NOISE, fit_dae
from lib.methods.deep_svdd import fit_deep_svdd
from lib.methods.gradcon import fit_gradcon, train_gradcon
from lib.methods.lsa import WITHOUT, fit_lsa, lsa_autoencoder
from lib.methods.ocsvm import CHOSEN, fit_ocsvm
from lib.methods.table import METHODS, NOT_RERUN, OWN, method, published_protocol
from lib.methods.task import Labelled, Task
from lib.methods.vae import fit_vae
from lib.models import CAE, LSAAutoencoder, build
from lib.models.deep_svdd import deep_svdd
from lib.models.lsa_estimator import LSAEstimator
from lib.models.vae import VAE
from lib.results import published
from lib.scores.deep_svdd import deep_svdd_score
from lib.scores.lsa import lsa_scores
from lib.scores.one_class import fit_one_class_svm
from lib.scores.vae import elbo_score, latent_score
from lib.training import fit, fit_autoencoder, generator
from lib.training.deep_svdd import fit_deep_svdd as slow_deep_svdd
from lib.training.lsa import fit_lsa as slow_lsa

# scored in batches of other sizes: float32 sums in another order, a relative 1e-6 a layer
BATCHED = 1e-4
WHAT = {name: {} for name in METHODS} | {"LSA": {"estimator": False}}
DRAWN = [name for name in METHODS if name != "OCSVM"]


def bars(n, seed, *, across=False, channels=1, size=28):
    """Images of one bright bar on a dark noisy ground: lying, or standing `across`."""
    g = torch.Generator().manual_seed(seed)
    x = 0.1 * torch.rand((n, channels, size, size), generator=g)
    for image, start in zip(x, torch.randint(3, 9, (n,), generator=g).tolist(), strict=True):
        image[:, start : start + 6] = 0.9
    return x.transpose(2, 3).contiguous() if across else x


def task(**changes):
    given = {"train": bars(48, 1), "validation": bars(12, 2), "seed": 0, "normal": 3, "epochs": 2}
    return Task(**given | {"batch_size": 8} | changes)


@pytest.fixture(scope="module")
def fitted():
    """A method's scorer of one small task, by its name; fitted once."""

    @functools.cache
    def fit(name):
        # the authors' own learning rates are smaller for some: too small for 48 steps
        given = task(epochs={"GradCon": 8, "DSVDD": 4, "DAE": 6}.get(name, 2), learning_rate=1e-3)
        options = {"pretrain_epochs": 2} if name == "DSVDD" else {}
        return METHODS[name].fit(given, **WHAT[name] | options)

    return fit


def right_pairs(values):
    """Share of pairs of a normal image (the first ten) and an anomaly in the right order."""
    return (values[10:, None] > values[:10]).double().mean()


@pytest.mark.parametrize("name", METHODS)
def test_each_method_gives_one_finite_number_an_image(fitted, name):
    for values in fitted(name)(bars(20, 3)).values():
        assert values.shape == (20,) and values.isfinite().all()
        assert values.device.type == "cpu"


@pytest.mark.parametrize("name", ["DAE", "LSA", "DSVDD", "GradCon"])
def test_networks_find_the_bars_that_stand(fitted, name):
    x = torch.cat([bars(10, 3), bars(10, 4, across=True)])
    for values in fitted(name)(x).values():
        # a turned sign has less than one in four; how many more depends on rounding and threads
        assert right_pairs(values) > 0.75


@pytest.mark.parametrize("name", ["OCSVM", "KDE"])
def test_methods_on_components_find_the_bars_that_shine(name):
    # principal components are blind to bars that stand: those have no part in them
    given = task(train=0.3 * bars(48, 1), validation=0.3 * bars(12, 2))
    x = torch.cat([0.3 * bars(10, 3), bars(10, 4)])
    assert right_pairs(METHODS[name].fit(given)(x)[""]) > 0.9


@pytest.mark.parametrize("name", METHODS)
def test_a_score_does_not_depend_on_the_other_images(fitted, name):
    x = torch.cat([bars(3, 5), bars(3, 6, across=True)])
    together = fitted(name)(x)
    for form, values in together.items():
        alone = torch.cat([fitted(name)(one[None])[form] for one in x])
        torch.testing.assert_close(alone, values, rtol=BATCHED, atol=BATCHED)


@pytest.mark.parametrize("name", METHODS)
def test_equal_tasks_give_equal_scores(name):
    x = bars(6, 7, across=True)
    first, second = (METHODS[name].fit(task(epochs=1), **WHAT[name])(x) for _ in range(2))
    assert list(first) == list(second)
    for form in first:
        assert torch.equal(first[form], second[form])


@pytest.mark.parametrize("name", METHODS)
def test_scoring_leaves_images_and_random_state_alone(fitted, name):
    x, state = bars(4, 8), torch.get_rng_state()
    before, numpy_before = x.clone(), np.random.get_state()[1].copy()
    fitted(name)(x)
    assert torch.equal(x, before)
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], numpy_before)


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("change", [{"seed": 1}, {"normal": 4}], ids=["seed", "class"])
def test_seed_and_class_decide_the_draws(name, change):
    drawn = []
    for changes in ({}, change):
        given = task(epochs=1, **changes)
        if name == "KDE":
            drawn.append(given.numpy_generator("KDE folds").integers(2**60, size=4))
            continue
        drawn.append(METHODS[name].fit(given, **WHAT[name])(bars(4, 9)))
    if name == "KDE":  # the folds move the bandwidth on a grid, which need not move at all
        assert not np.array_equal(*drawn)
    else:
        form = next(iter(drawn[0]))
        assert not torch.equal(drawn[0][form], drawn[1][form])


@pytest.mark.parametrize("name", [name for name in METHODS if name not in ("OCSVM", "KDE")])
def test_a_training_goes_on_from_its_checkpoint(tmp_path, name):
    def kept(word):
        return tmp_path / f"{word}.pt"

    x = bars(4, 10)
    given = task(epochs=1, checkpoint=kept, identity={"data": "abc"})
    first = METHODS[name].fit(given, **WHAT[name])(x)
    assert [path.suffix for path in tmp_path.iterdir()].count(".pt") == 1
    spoilt = dataclasses.replace(given, train=given.train.flip(0))
    again = METHODS[name].fit(spoilt, **WHAT[name])(x)
    form = next(iter(first))
    if name != "DSVDD":  # whose centre is that of the images it is given
        assert torch.equal(
            again[form], first[form]
        )  # not trained again, so other images are unseen
    other = dataclasses.replace(spoilt, identity={"data": "def"})
    assert not torch.equal(METHODS[name].fit(other, **WHAT[name])(x)[form], first[form])


@pytest.mark.parametrize("name", ["DAE", "LSA"])
def test_precision_reaches_the_training_and_its_fingerprint(tmp_path, name):
    given = task(epochs=1, checkpoint=lambda word: tmp_path / f"{word}.pt")
    rough = dataclasses.replace(given, precision="bfloat16")
    exact, other = (METHODS[name].fit(t, **WHAT[name])(bars(4, 10)) for t in (given, rough))
    form = next(iter(exact))
    assert not torch.equal(other[form], exact[form])


def test_each_training_has_a_file_of_its_own():
    names = []
    given = task(epochs=1, train=bars(8, 1), checkpoint=lambda word: names.append(word))
    for name, options in WHAT.items():
        METHODS[name].fit(given, **options)
    assert sorted(names) == ["DAE", "DSVDD", "GradCon", "LSA-without-estimator", "VAE"]


# --- against the same steps taken by hand


def test_the_machine_is_the_label_free_one():
    given, x = task(), bars(5, 11)
    slow = fit_one_class_svm(given.train.flatten(1).double().numpy())
    expected = slow.score(x.flatten(1).double().numpy())
    assert np.array_equal(fit_ocsvm(given)(x)[""].numpy(), expected)


def test_labels_choose_another_machine_under_its_own_name():
    shown = Labelled(torch.cat([bars(6, 12), bars(6, 13, across=True)]), np.arange(12) // 6)
    x = bars(5, 11)
    found = fit_ocsvm(task(labelled=shown), by_labels=True)(x)
    assert list(found) == [CHOSEN]
    assert not torch.equal(found[CHOSEN], fit_ocsvm(task(labelled=shown))(x)[""])


def test_choosing_by_labels_needs_labels():
    with pytest.raises(BadInput, match="needs labelled images"):
        fit_ocsvm(task(), by_labels=True)


@pytest.mark.parametrize("main", ["KL", "ELBO"])
def test_the_vae_has_both_scores_and_one_is_the_main_one(main):
    given, x = task(epochs=1), bars(5, 14)
    network = build(VAE, generator(0, "weights", 3))  # the words of chapter gradcon
    fit(
        network,
        given.train,
        given.validation,
        generator=generator(0, "batches", 3),
        epochs=1,
        alpha=0,
        batch_size=8,
    )
    found = fit_vae(given, main=main)(x)
    assert list(found) == ["", "ELBO" if main == "KL" else "KL"]
    by_form = {form or main: values for form, values in found.items()}
    assert torch.equal(by_form["KL"], latent_score(network, x))
    assert torch.equal(by_form["ELBO"], elbo_score(network, x))


def test_the_vae_has_no_other_main_score():
    with pytest.raises(BadInput, match="must be one of KL, ELBO; it was 'recon'"):
        fit_vae(task(), main="recon")


def test_gradcon_is_that_of_its_own_chapter():
    given = task(epochs=1)
    network = build(CAE, generator(0, "weights", 3))
    slow = fit(
        network,
        given.train,
        given.validation,
        generator=generator(0, "batches", 3),
        epochs=1,
        alpha=0.3,
        batch_size=8,
    )
    mine = train_gradcon(given, alpha=0.3)
    for name, values in slow.model.state_dict().items():
        assert torch.equal(mine.model.state_dict()[name], values)
    for one, other in zip(mine.reference.mean, slow.reference.mean, strict=True):
        assert torch.equal(one, other)


def test_alpha_and_beta_reach_gradcon():
    given, x = task(epochs=1), bars(5, 15, across=True)
    usual, other, weighed = (
        fit_gradcon(given, **options)(x)[""] for options in ({}, {"alpha": 0.3}, {"beta": 1.0})
    )
    assert not torch.equal(usual, other)
    assert not torch.equal(usual, weighed)


def test_the_denoising_autoencoder_learns_from_noise():
    given, x = task(epochs=1), bars(5, 16)
    network = build(LSAAutoencoder, generator(0, "DAE weights", 3))
    fit_autoencoder(
        network,
        given.train,
        given.validation,
        generator=generator(0, "DAE batches", 3),
        epochs=1,
        learning_rate=1e-3,
        batch_size=8,
        noise=NOISE,
    )
    with torch.no_grad():
        expected = ((network(x) - x) ** 2).mean((1, 2, 3))
    # the mean over three axes at once or over one: sums in another order
    torch.testing.assert_close(fit_dae(given)(x)[""], expected, rtol=1e-5, atol=1e-7)


def test_deep_svdd_normalises_by_the_training_images():
    given, x = task(epochs=3), bars(5, 17)
    span = fit_contrast_range(given.train)
    network = build(lambda: deep_svdd(1), generator(0, "DSVDD weights", 3))
    slow = slow_deep_svdd(
        network,
        contrast_scaled(given.train, span),
        contrast_scaled(given.validation, span),
        generator=generator(0, "DSVDD batches", 3),
        epochs=3,
        pretrain_epochs=1,
        milestone=1,  # a third of three epochs
        pretrain_milestone=1,
        batch_size=8,
    )
    expected = deep_svdd_score(slow.network, contrast_scaled(x, span), slow.centre)
    assert torch.equal(fit_deep_svdd(given, pretrain_epochs=1)(x)[""], expected)


def test_lsa_scales_by_validation_images_measured_once(monkeypatch):
    def small():
        return LSAEstimator(width=2, bins=4)

    monkeypatch.setattr("lib.methods.lsa.LSAEstimator", small)
    given, x = task(epochs=1), torch.cat([bars(5, 18), bars(5, 19, across=True)])
    both = build(LSAAutoencoder, generator(0, "LSA weights", 3)), None
    both = both[0], build(small, generator(0, "LSA estimator weights", 3))
    slow_lsa(
        *both,
        given.train,
        given.validation,
        generator=generator(0, "LSA batches", 3),
        epochs=1,
        batch_size=8,
    )
    expected = lsa_scores(*both, x, validation=given.validation)["novelty"]
    scorer = fit_lsa(given)
    asked = []
    plain = LSAAutoencoder.encode
    monkeypatch.setattr(
        LSAAutoencoder, "encode", lambda self, x: asked.append(len(x)) or plain(self, x)
    )
    found = scorer(x)
    assert list(found) == [""]
    # sums over pixels and batches in another order, scaled by a narrow range
    torch.testing.assert_close(found[""], expected, rtol=1e-4, atol=1e-4)
    assert asked == [10]  # no validation image again


def test_lsa_without_estimator_is_the_error_alone():
    given, x = task(epochs=1), bars(5, 20)
    network = build(LSAAutoencoder, generator(0, "LSA weights", 3))
    slow_lsa(
        network,
        None,
        given.train,
        given.validation,
        generator=generator(0, "LSA batches", 3),
        epochs=1,
        batch_size=8,
    )
    found = fit_lsa(given, estimator=False)(x)
    assert list(found) == [WITHOUT]
    expected = lsa_scores(network, None, x, validation=None)["recon"]
    assert torch.equal(found[WITHOUT], expected)


def test_lsa_refuses_a_validation_image_that_stands_alone(monkeypatch):
    monkeypatch.setattr("lib.methods.lsa.LSAEstimator", lambda: LSAEstimator(width=2, bins=4))
    with pytest.raises(BadInput, match="must vary on the validation images"):
        fit_lsa(task(epochs=1, validation=bars(1, 2)))


@pytest.mark.parametrize("name", METHODS)
def test_colour_images_have_the_size_that_the_table_says(name):
    assert METHODS[name].size(1) == 28
    size = METHODS[name].size(3)
    assert size == (32 if name in ("LSA", "DAE") else 28)
    if size == 32:
        network = lsa_autoencoder(3, torch.Generator().manual_seed(0)).eval()
        x = bars(1, 21, channels=3, size=32)
        assert network(x).shape == x.shape
    elif name not in ("OCSVM", "KDE"):  # which take rows of any numbers
        given = task(
            train=bars(12, 1, channels=3), validation=bars(4, 2, channels=3), epochs=1, batch_size=6
        )
        for values in METHODS[name].fit(given)(bars(3, 21, channels=3)).values():
            assert values.shape == (3,) and values.isfinite().all()


# --- the table


def test_the_table_holds_every_published_method():
    rows = published("gradcon-slides")
    tables = rows[rows["table"].isin(["sota-auroc", "fashion-mnist"])]
    assert set(METHODS) | set(NOT_RERUN) | {"Grad"} == set(tables["method"])
    assert not set(METHODS) & set(NOT_RERUN)
    mains = rows[rows["table"] == "sota-auroc"].groupby("method")["score"].unique()
    for name, entry in METHODS.items():
        assert list(mains[name]) == [entry.score]


def test_an_unknown_method_is_told_in_words():
    with pytest.raises(UnknownName, match=r"known are OCSVM, .*Did you mean 'DSVDD'"):
        method("DSVD")


@pytest.mark.parametrize("name", NOT_RERUN)
def test_a_method_that_is_not_run_says_why(name):
    with pytest.raises(UnknownName, match=f"{name} has published rows only"):
        method(name)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_comes_by_its_name(name):
    assert method(name) is METHODS[name]


def test_published_rows_know_their_protocol():
    found = {name: published_protocol(name, "MNIST") for name in (*METHODS, *NOT_RERUN)}
    assert all(found.values())
    assert [name for name, protocol in found.items() if protocol == OWN] == ["GradCon"]
    assert published_protocol("VAE", "CIFAR-10") == OWN  # it is the authors' own latent row
    assert published_protocol("distance to mean", "MNIST") is None
