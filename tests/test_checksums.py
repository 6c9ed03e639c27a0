import hashlib

import numpy as np
import pytest

from avser_cli.checksums import file_sha256, sha256
from avser_cli.errors import InputError


def test_bytes_and_arrays():
    samples = np.arange(12, dtype=np.float32)
    expected = hashlib.sha256(samples.tobytes()).hexdigest()
    assert sha256(samples) == sha256(samples.tobytes()) == sha256(samples.reshape(3, 4)) == expected
    assert sha256(samples[::2]) == sha256(samples[::2].copy()) != expected
    columns = samples.reshape(3, 4).T
    assert sha256(columns) == sha256(columns.copy())
    assert sha256(samples[:0]) == sha256(b"") == hashlib.sha256().hexdigest()


def test_files(tmp_path):
    path = tmp_path / "sound.wav"
    path.write_bytes(b"RIFF")
    assert file_sha256(path) == sha256(b"RIFF")
    with pytest.raises(InputError, match=r"gone\.wav: cannot be read"):
        file_sha256(tmp_path / "gone.wav")
