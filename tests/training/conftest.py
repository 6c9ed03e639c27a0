import pytest

from avser_cli.data.sources import DataSources
from avser_cli.data.splits import SplitSettings
from avser_cli.training.adaptation import Adaptation
from avser_cli.training.adaptation_config import AdaptationConfig
from avser_cli.training.source_bundle import SourceBundle
from avser_cli.training.training_run import read_corpus

SHORT = AdaptationConfig(fewest_to_train=20, epochs=2, most_draws=16, folds=2)


@pytest.fixture(scope="module")
def source(trained):
    return SourceBundle.read(trained / "models" / "tiny")


@pytest.fixture(scope="module")
def prepared(trained, source):
    labels, recipe = source.config.labels, source.config.recipe
    return read_corpus(DataSources.of(trained / "png"), labels, recipe).split(SplitSettings())


@pytest.fixture
def adaptation(source, prepared):
    return Adaptation(source, prepared, 3, SHORT)
