import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avser_cli.model.arrays import npz_bytes, read_arrays
from avser_cli.model.mlp import MlpWeights
from tests.malicious_bundles import ARRAYS, npy, npz, pickled, weights, zipped

KINDS = {name: (array.shape, array.dtype) for name, array in weights().items()}
GOOD = npz()


def test_arrays_survive_in_any_order_of_axes():
    arrays = {
        "counts": np.arange(6, dtype=np.int64).reshape(2, 3),
        "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "one": np.array(2.5, np.float32),
    }
    kinds = {name: (array.shape, array.dtype) for name, array in arrays.items()}
    found = read_arrays(npz_bytes(arrays), kinds)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("make", [v for k, v in ARRAYS.items() if k not in ("huge", "no-spread")])
def test_other_files_are_refused(make):
    with pytest.raises(ValueError) as caught:
        MlpWeights.from_npz(make(), 4)
    assert "\n" not in str(caught.value)


def test_nothing_is_unpickled(tmp_path):
    content = pickled(tmp_path / "canary")
    (tmp_path / "canary").unlink(missing_ok=True)
    with pytest.raises(ValueError, match="output_bias"):
        read_arrays(content, KINDS)
    assert not (tmp_path / "canary").exists()


@settings(max_examples=100)
@given(st.data())
def test_damage_anywhere_is_a_value_error_or_harmless(data):
    content = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        # The ends hold what a zip file is read by.
        place = data.draw(st.integers(0, 200) | st.integers(len(content) - 700, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    try:
        found = read_arrays(bytes(content), KINDS)
    except ValueError:
        return
    assert {name: array.shape for name, array in found.items()} == {
        k: v[0] for k, v in KINDS.items()
    }


@settings(max_examples=100)
@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_any_header_is_a_value_error(header):
    start = npy((181,), b"")[:8] + len(header).to_bytes(2, "little")
    with pytest.raises(ValueError):
        read_arrays(zipped(mean=start + header), KINDS)
