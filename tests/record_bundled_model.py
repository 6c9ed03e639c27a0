"""Record what the bundled model answers for the tests' own sounds.

Run it only when the bundled model has been trained anew: ``python -m
tests.record_bundled_model``.
"""

import json
import tempfile
from pathlib import Path

from tests.inference.test_classifier import STORED, heard


def main():
    with tempfile.TemporaryDirectory() as folder:
        found = heard(Path(folder))
    rounded = {
        name: {emotion: round(value, 4) for emotion, value in probabilities.items()}
        for name, probabilities in found.items()
    }
    STORED.write_text(json.dumps(rounded, indent=1) + "\n")


if __name__ == "__main__":
    main()
