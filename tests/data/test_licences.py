import pytest

from avser_cli.data.corpora import known_corpora
from avser_cli.data.licences import weights_terms


def test_the_most_restrictive_licence_comes_first():
    names = ("emodb", "ravdess", "urdu", "ased")
    corpora = known_corpora()
    found = weights_terms({corpora[name].title: corpora[name].licence for name in names})
    assert found == (
        "no licence is stated, so nobody gave leave to pass the weights on; ask (ASED)",
        "for research only (URDU)",
        "not for commercial use (RAVDESS)",
        "to be passed on under the same licence (RAVDESS)",
        "the corpus is to be named (EMO-DB, RAVDESS, ASED)",
    )


def test_emov_db_is_not_for_commercial_use():
    assert weights_terms({"EmoV-DB": known_corpora()["emov-db"].licence}) == (
        "not for commercial use (EmoV-DB)",
    )


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        (None, 1),
        ("CC0 1.0", 0),
        ("CC BY 4.0", 1),
        ("CC BY-NC-ND 4.0", 3),
        ("CC BY-NC-SA 4.0, research only", 4),
        ("ODbL 1.0", 2),
    ],
)
def test_restrictions_of_a_licence(licence, expected):
    assert len(weights_terms({"x": licence})) == expected


def test_every_known_corpus_asks_for_something_unless_it_is_in_the_public_domain():
    free = {
        corpus.licence
        for corpus in known_corpora().values()
        if not weights_terms({corpus.title: corpus.licence})
    }
    assert free == {"CC0 1.0"}
