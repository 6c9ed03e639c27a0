import json
from dataclasses import replace

import numpy as np

from avser_cli.data.corpus_summary import CorpusSummary
from avser_cli.evaluation.metrics import score
from avser_cli.model.bundle import read_config
from avser_cli.model.recipe import Sampling
from avser_cli.report.model_card import licence_words, model_card

EMODB = CorpusSummary("emodb", "EMO-DB", 339, 10, ("de",), "CC BY 4.0")
URDU = CorpusSummary("urdu", "URDU", 400, 29, ("ur",), "research only")
MINE = CorpusSummary("mine", "mine", 12, 0)


def test_every_corpus_is_listed_with_licence_speakers_and_language():
    lines = licence_words([EMODB, MINE, URDU]).splitlines()
    assert lines[2].startswith("| EMO-DB | de | 10 | 339 | CC BY 4.0 | Burkhardt et al. (2005)")
    assert lines[3] == "| mine | not known | not known | 12 | not known to avser |  |"
    assert lines[4].startswith("| URDU | ur | 29 | 400 | research only |")


def test_the_licence_of_the_weights_follows_from_all_of_them():
    found = licence_words([EMODB, URDU])
    assert "- for research only (URDU)\n- the corpus is to be named (EMO-DB)" in found
    assert "no licence is stated" in licence_words([EMODB, MINE])
    assert "commercial" not in licence_words([EMODB])


def test_the_card_of_a_bundle_names_its_corpora(trained):
    bundle = trained / "models" / "tiny"
    config = read_config(bundle)
    assert config.corpora == (
        CorpusSummary("ravdess", "RAVDESS", 48, 4, ("en",), "CC BY-NC-SA 4.0"),
    )
    card = (bundle / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "| RAVDESS | en | 4 | 48 | CC BY-NC-SA 4.0 |" in card
    assert "- not for commercial use (RAVDESS)" in card


def test_the_card_of_a_bundle_scores_its_groups(trained):
    bundle = trained / "models" / "tiny"
    card = (bundle / "MODEL_CARD.md").read_text(encoding="utf-8")
    groups = json.loads((bundle / "metrics.json").read_text())["groups"]
    assert [group["name"] for group in groups if group["by"] == "sex"] == ["female", "male"]
    of_speakers = [group for group in groups if group["by"] == "speaker"]
    assert len(of_speakers) == 4 and sum(group["clips"] for group in of_speakers) == 16
    for group in groups[2:4]:
        row = f"| sex | {group['name']} | {group['clips']} | {group['uar']:.2f} |"
        assert row in card
    assert card.count("| ravdess:0") == 4


def test_a_card_without_groups_has_no_tables_of_them(trained):
    config = read_config(trained / "models" / "tiny")
    report = score(config.labels, np.zeros(4, np.int64), np.zeros(4, np.int64))
    assert "By group" not in model_card(config, report)


def test_the_card_says_how_clips_were_drawn(trained):
    config = read_config(trained / "models" / "tiny")
    assert ", batch 16, seed 0" in model_card(config, None)
    recipe = config.recipe.with_options(sampling=Sampling(corpus=0.5, draws=4000))
    drawn = replace(config, recipe=recipe)
    assert ", batch 16, 4000 clips an epoch by corpus^0.5, seed 0" in model_card(drawn, None)
