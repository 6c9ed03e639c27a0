import json
import shutil

import pytest

from avser_cli.model.bundle import CONFIG


@pytest.fixture
def bundle(trained, tmp_path):
    return shutil.copytree(trained / "models" / "tiny", tmp_path / "tiny")


def change(bundle, **values):
    path = bundle / CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
