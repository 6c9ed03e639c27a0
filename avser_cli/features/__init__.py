"""Features: the spectrogram that networks read, acoustic feature vectors, fingerprints."""
