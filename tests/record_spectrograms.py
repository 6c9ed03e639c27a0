"""Record the pictures of the tests' own sounds.

Run it only when a picture is meant to change: ``python -m tests.record_spectrograms``. Every bundle
trained before then is worth nothing afterwards.
"""

import numpy as np

from avser_cli.features.spectrogram import draw_spectrogram
from avser_cli.model.known_recipes import spectrogram_config
from tests.synthetic import STORED_PICTURES, made_sounds


def main():
    spectrograms = {
        f"{recipe}-{name}": draw_spectrogram(samples, rate, spectrogram_config(recipe))
        for recipe in ("default", "paper")
        for name, (samples, rate) in made_sounds().items()
    }
    np.savez_compressed(STORED_PICTURES, **spectrograms)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
