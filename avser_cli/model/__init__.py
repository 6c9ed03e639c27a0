"""Models: recipes, networks, calibration, bundles on disk. `networks` alone imports Keras."""
