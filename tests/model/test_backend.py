"""What other projects set for Keras changes nothing."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY

SHOW = (
    "from avser_cli.model.backend import keras; import os; c = keras.config; "
    "print(c.backend(), c.floatx(), c.image_data_format(), os.environ.get('KERAS_BACKEND'))"
)


def imported(home, code=SHOW, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "HOME": str(home),
            "USERPROFILE": str(home),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"backend": "theano", "floatx": "float16", "epsilon": 1}),
        json.dumps({"image_data_format": "channels_first", "floatx": "float64"}),
        "{",
    ],
)
def test_settings_of_others_change_nothing(tmp_path, content):
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text(content)
    done = imported(tmp_path, KERAS_BACKEND="torch")
    assert done.stdout.split() == ["tensorflow", "float32", "channels_last", "torch"], done.stderr
    assert (tmp_path / ".keras" / "keras.json").read_text() == content


def test_keras_that_was_imported_with_other_settings_is_named(tmp_path):
    code = f"import keras; keras.config.set_floatx('float16'); {SHOW}"
    done = imported(tmp_path, code)
    assert "UsageError: Keras was imported before with other settings" in done.stderr
    assert "float16" in done.stderr
