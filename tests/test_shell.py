import shlex

import pytest

from avser_cli.shell import quoted


@pytest.mark.parametrize("text", ["a=b", "not sure=happy", "a&b", "it's", 'a "b"', "$x's", "a\\b"])
def test_a_shell_takes_it_for_one_word(text):
    assert shlex.split(quoted(text)) == [text]


def test_words_stay_plain_where_they_can():
    assert quoted("odd=sad") == "odd=sad"
    assert quoted("Trauer müde=sad") == '"Trauer müde=sad"'
