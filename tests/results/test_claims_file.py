"""The ledger results/claims.yml, and the refusal of entries that are not plain and complete."""

import pytest
import yaml

from lib.errors import BadInput, UnknownName
from lib.metrics import Interval
from lib.numbers.documents import KEYS
from lib.results import (
    claim_from,
    evaluate,
    frame,
    load_claims,
    published,
    published_text,
    runs_frame,
)
from lib.results.claims import RULES
from lib.results.rules import COMPARE, judge, quantity

# selectors of our own experiments, which no document prints: (table, dataset, method, score)
OURS = {
    ("baseline-auroc", "CIFAR-10", "CAE+Grad", "gradient norm"),
    ("baseline-auroc", "MNIST", "CAE", "recon"),
    ("baseline-auroc", "MNIST", "CAE+Grad", "recon"),
    ("baseline-auroc", "MNIST", "CAE+Grad", "grad"),
    ("baseline-auroc", "MNIST", "CAE+Grad", "gradient norm"),
    ("baseline-auroc", "MNIST", "VAE", "recon"),
    ("baseline-auroc", "MNIST", "VAE", "latent"),
    ("baseline-auroc", "MNIST", "VAE+Grad", "grad"),
    ("fisher-kernel", "CIFAR-10", "CAE", "mean absolute kernel"),
    ("abnormal-condition", "CURE-TSR", "CAE", "recon"),
    ("abnormal-condition", "CURE-TSR", "CAE+Grad", "grad"),
    ("abnormal-condition", "GTSRB-32", "CAE", "recon"),
    ("abnormal-condition", "GTSRB-32", "CAE+Grad", "recon"),
    ("abnormal-condition", "GTSRB-32", "CAE+Grad", "grad"),
} | {
    (table, "MNIST", "LSA autoencoder, no estimator", score)
    for table, scores in {
        "novelty-decision": ("reconstruction error",),
        "sanity-randomisation": (
            *("saliency", "gradient x input", "integrated gradients", "guided back-propagation"),
            "SmoothGrad",
        ),
        "section2.3-metrics": ("saliency vs reconstruction error",),
        "section2.3-self": ("saliency vs itself",),
        "section3-reach": ("reconstruction error",),
        "finding1-large-pixels": ("saliency", "squared saliency", "reconstruction error"),
        "finding1-missed": ("saliency vs reconstruction error",),
        "finding2-spearman": ("saliency vs reconstruction error",),
        "figure2-top10-agreement": ("saliency vs reconstruction error",),
        "finding4-gap": ("saliency vs reconstruction error",),
        "planted-average": ("saliency", "reconstruction error"),
    }.items()
    for score in scores
}
FOREST, NET = "random forest, 1000 trees, on z", "ResNet34 classifier"
CURVES = "random forest, 200 trees, on z"
ODIN = "Generalized ODIN, cosine h, linear g"
ORACLE = {
    ("networks", "CIFAR-10"): {
        NET: (
            *("", "max logit", "max probability", "entropy", "energy", FOREST),
            *("linear probe on z", "distance to nominal z"),
        ),
        f"{NET}, no augmentation": ("", "max logit"),
        **{f"{NET} with {t} task": ("max logit",) for t in ("rotation", "recolouring", "Sobel")},
        "hybrid network": ("max logit", FOREST),
        "reconstruction network": (FOREST,),
        ODIN: ("max cosine h",),
        "trivial": ("mean brightness", "distance to mean"),
        "untrained ResNet34 + oracle detector": (FOREST,),
        "pixels + oracle detector": ("random forest, 1000 trees, on pixels",),
        # not run by us
        "GEOM": ("Dirichlet log density",),
        "CSI": ("", "CSI score"),
        "JEM": ("",),
    },
    ("networks", "CIFAR-100"): {
        NET: ("max logit", FOREST),
        "hybrid network": (FOREST,),
        ODIN: ("max cosine h",),
    },
    ("results-q1-q2", "Fashion-MNIST"): {
        NET: ("max logit",),
        f"{NET} + oracle detector": (FOREST,),
        "oracle representation + oracle detector": (FOREST,),
    },
    ("ensembles", "CIFAR-10"): {
        "deep ensemble": ("mean max logit", "max probability of the mean"),
        "SVGD ensemble": ("mean max logit",),  # not run by us
    },
    ("hybrid-chosen", "CIFAR-10"): {"hybrid network": ("max logit", FOREST)},
    ("few-labels", "CIFAR-10"): {f"{NET} + oracle detector": (CURVES,)},
    ("left-out-average", "CIFAR-10"): {f"{NET} + oracle detector": (CURVES,)},
    ("far-average", "CIFAR-10"): {NET: ("max logit",), f"{NET} + oracle detector": (FOREST,)},
    ("odin-best", "CIFAR-10"): dict.fromkeys(
        (NET, ODIN), ("unperturbed", "best perturbation", "temperature 1", "best temperature")
    ),
    ("reflection-accuracy", "CIFAR-10"): {NET: ("max logit",)},
    ("over-training-summary", "CIFAR-10"): {NET: (CURVES,)},
}
OURS |= {
    (*where, method, score)
    for where, methods in ORACLE.items()
    for method, scores in methods.items()
    for score in scores
}
SYM, DENOISING = "dAE sym", "denoising autoencoder"
OURS |= {
    (table, dataset, method, score)
    for dataset in ("MNIST", "Fashion-MNIST")
    for table, methods in {
        "clutter": {
            SYM: (
                *("clean, whole", "clean, within the mask", "cluttered, whole"),
                *("cluttered, within the mask", "two digits, each drawn alone, sum"),
                *("two digits, sum of masked errors", "two digits, whole"),
            )
        },
        "curvature": {SYM: ("estimate",)},
        "fooling-stronger": {SYM: ("fooling rate",)},
        "one-class": {SYM: ("confidence", "reconstruction"), "one-class SVM": ("pixels",)},
        "open-set": {
            SYM: ("F-measure", "rejection score"),
            "CNN": ("F-measure", "rejection score", "accuracy with reject"),
            "COOL": ("F-measure",),
        },
    }.items()
    for method, scores in methods.items()
    for score in scores
} | {
    ("rings", "toy 2-D", "rings", "classifier"),
    ("rings", "toy 2-D", "rings", "scaled output"),
    ("rings", "toy 2-D", "rings", "scaled output without Γ"),
    ("theory", "toy 2-D", "contractive autoencoder", "clean density"),
    ("theory", "toy 2-D", DENOISING, "clean density"),
    ("theory", "toy 2-D", DENOISING, "trace of the Jacobian"),
}
CLAIMS = load_claims()


def entry(**changes):
    side = {
        "table": "t",
        "dataset": "MNIST",
        "method": "CAE",
        "score": "recon",
        "class": "average",
        "metric": "AUROC",
    }
    base = {
        "id": "planted",
        "document": "d",
        "where": "w",
        "claim": "c",
        "published": {},
        "rule": "greater",
        "left": side | {"method": "CAE+Grad"},
        "right": side,
        "scope": "s",
    }
    return {key: value for key, value in (base | changes).items() if value is not None}


def test_ids_are_unique_and_every_entry_has_words():
    assert len({claim.id for claim in CLAIMS}) == len(CLAIMS)
    for claim in CLAIMS:
        assert claim.document and claim.where and claim.claim and claim.scope


def test_tolerances_and_margins_have_reasons():
    for claim in CLAIMS:
        if {"tolerance", "margin"} & set(claim.numbers):
            assert len(claim.why) > 10, claim.id


def test_every_selector_names_something_published_or_allowed():
    told = published()
    known = set(told[["table", "dataset", "method", "score"]].itertuples(index=False, name=None))
    used = set()
    for claim in CLAIMS:
        for _, *sides in claim.sides():
            for side in filter(None, sides):
                key = tuple(side[c] for c in ("table", "dataset", "method", "score"))
                assert key in known | OURS, f"{claim.id}: {key}"
                used.add(key)
    assert used >= OURS  # nothing is allowed for no claim
    assert not OURS & known


def test_published_numbers_are_those_of_the_published_tables():
    table = published().set_index(list(KEYS))["value"].sort_index()
    checked = 0
    for claim in CLAIMS:
        for number, (_, left, right) in enumerate(claim.sides()):
            for name, side in (("left", left), ("right", right)):
                if name not in claim.published:
                    continue
                value = claim.published[name]
                value = value[number] if isinstance(value, list) else value
                assert value == table.loc[tuple(side[k] for k in KEYS)], f"{claim.id} {name}"
                assert side["variant"] == ""
                checked += 1
    assert checked > 60  # the long lists are looked at, too


def test_printed_numbers_keep_the_rule_they_are_quoted_for():
    # a claim whose own numbers break its rule would be a slip of ours (or a finding to note)
    for claim in CLAIMS:
        if "left" not in claim.published:
            continue
        for number, _ in enumerate(claim.sides()):
            sides = [claim.published[n] for n in ("left", "right") if n in claim.published]
            pair = [v[number] if isinstance(v, list) else v for v in sides]
            value = quantity(claim.rule, *(pair if len(pair) == 2 else (pair[0], None)))
            interval = Interval(value, value, value, 1)
            assert judge(claim.rule, interval, claim.numbers) == "reproduced", claim.id


def test_extensions_of_ours_say_so():
    for claim in CLAIMS:
        if claim.id.startswith("gradcon-mnist") and not claim.published:
            assert claim.scope.startswith("our extension to MNIST"), claim.id
        if claim.id.startswith("oracle-") and "Fashion-MNIST" in claim.claim:
            assert claim.scope.startswith("our extension to Fashion-MNIST"), claim.id


def test_the_talk_s_claims_know_the_width_of_its_network():
    # a narrower network must count as a limit in every one of them, not in some
    talk = [claim for claim in CLAIMS if claim.document == "oracle-slides"]
    assert len(talk) > 50
    for claim in talk:
        assert claim.id.startswith("oracle-")
        assert claim.budget == {"width": 64, "epochs": 200}, claim.id


def test_what_is_not_run_says_so():
    named = [claim for claim in CLAIMS if claim.id.startswith("oracle-untested-")]
    assert named and all(claim.note.startswith("Not run by us") for claim in named)


def test_all_claims_wait_for_rows():
    board = evaluate(CLAIMS, frame([]), runs_frame([]))
    assert board["id"].tolist() == [claim.id for claim in CLAIMS]
    assert set(board["verdict"]) == {"not tested yet"}
    assert board["reason"].str.startswith("no row for").sum() >= 1


def test_published_text():
    given = {"left": 0.61, "right": [230721, 5.72, 0.6215], "ratio": 27}
    claim = claim_from(entry(published=given))
    assert published_text(claim) == "0.610 against 230,721 / 5.72 / 0.6215; ratio: 27"
    assert published_text(claim_from(entry())) == ""


def test_each_rule_has_a_function():
    assert set(COMPARE) == set(RULES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- !!python/object/apply:os.getcwd []", "plain YAML data"),
        ("- !!python/name:os.system", "plain YAML data"),
        ("- [", "plain YAML data"),
        ("id: a", "list of claims"),
        ("- just text", "must be a mapping"),
    ],
)
def test_no_code_and_no_other_shape(tmp_path, text, message):
    path = tmp_path / "claims.yml"
    path.write_text(text)
    with pytest.raises(BadInput, match=message):
        load_claims(path)


def test_the_same_id_twice(tmp_path):
    path = tmp_path / "claims.yml"
    path.write_text(yaml.safe_dump([entry(), entry()]))
    with pytest.raises(BadInput, match="share the id 'planted'"):
        load_claims(path)


@pytest.mark.parametrize("premise", ["elsewhere", "planted"])
def test_a_premise_is_another_claim_of_the_file(tmp_path, premise):
    path = tmp_path / "claims.yml"
    path.write_text(yaml.safe_dump([entry(premise=premise), entry(id="other", premise="planted")]))
    with pytest.raises(BadInput, match=f"premise '{premise}' of 'planted' is no other claim"):
        load_claims(path)
    path.write_text(yaml.safe_dump([entry(), entry(id="other", premise="planted")]))
    assert [claim.premise for claim in load_claims(path)] == ["", "planted"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scope": None}, "'scope' is missing in claim 'planted'"),
        ({"verdict": "reproduced"}, "no field 'verdict'"),
        ({"left": {"datset": "MNIST"}}, "no column 'datset'.* Did you mean 'dataset'"),
        ({"left": {"seed": "0"}}, "no column 'seed'"),
        ({"left": {"class": 3}}, "'class' must hold text, quoted if a digit"),
        ({"left": {"table": "t"}}, "lacks class, dataset, method, metric, score"),
        ({"left": entry()["left"] | {"variant": "layre=1"}}, "'layre'.* Did you mean 'layer'"),
        ({"right": None}, "needs 'right'"),
        ({"bound": 1}, "no use for 'bound'"),
        ({"margin": "large"}, "Margin must be a number"),
        ({"margin": True}, "Margin must be a number"),
        ({"published": 0.5}, "Published must be a mapping"),
        ({"each": {"class": []}}, "must list the values of 'class'"),
        ({"each": {"class": ["a"], "method": ["b"]}}, "name one column"),
        ({"each": {"colour": ["a"]}}, "no column 'colour'"),
        ({"each": {"variant": ["alpha=0"]}}, "Each cannot name the variant"),
        ({"rule": "within", "target": 1, "tolerance": 1}, "needs 'why'"),
        ({"rule": "different", "margin": 0, "why": "none"}, "margin above 0"),
    ],
)
def test_incomplete_or_odd_entries_are_refused(changes, message):
    with pytest.raises(BadInput, match=message):
        claim_from(entry(**changes))


def test_unknown_rule_names_the_nearest():
    with pytest.raises(UnknownName, match=r"'graeter'.* Did you mean 'greater'"):
        claim_from(entry(rule="graeter"))


def test_each_fills_what_a_selector_leaves_open():
    left, right = entry()["left"], entry()["right"]
    del right["method"]
    claim = claim_from(entry(left=left, right=right, each={"method": ["KDE", "OCSVM"]}))
    found = [(value, a["method"], b["method"]) for value, a, b in claim.sides()]
    assert found == [("KDE", "CAE+Grad", "KDE"), ("OCSVM", "CAE+Grad", "OCSVM")]
