import json

from PIL import Image


def test_three_models_on_one_split(avser, corpus, tmp_path):
    done = avser("compare", corpus, "--epochs", "2")
    assert done.returncode == 0, done.stderr
    first = [line for line in done.stderr.splitlines() if line.startswith("epoch   1/2")]
    assert len(first) == 3
    assert not first[2].endswith("0:00:00 left")
    for name in ("mlp", "cnn1d", "cnn2d", "0.79", "0.83", "0.89"):
        assert name in done.stdout
    found = json.loads((tmp_path / "compare" / "compare.json").read_text())
    assert [row["network"] for row in found["models"]] == ["mlp", "cnn1d", "cnn2d"]
    assert {row["clips"] for row in found["models"]} == {16}
    with Image.open(tmp_path / "compare" / "figure-9.png") as image:
        assert min(image.size) > 400


def test_no_folder(avser):
    done = avser("compare")
    assert (done.returncode, "./wav: no such folder" in done.stderr) == (2, True)
