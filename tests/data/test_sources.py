from pathlib import Path

import pytest

from avser_cli.data.sources import Source, parse_source
from avser_cli.errors import UsageError


@pytest.mark.parametrize("text", ["x", "=x", "a=", "a/b=x", "a:b=x"])
def test_named_sources_have_a_form(text):
    with pytest.raises(UsageError, match="must read NAME=PATH"):
        parse_source(text)


def test_names_of_corpora_are_known_in_any_case():
    assert parse_source("CREMA-D=./x") == Source(Path("x"), "crema-d")
    assert parse_source("Mine=a=b") == Source(Path("a=b"), "Mine")
