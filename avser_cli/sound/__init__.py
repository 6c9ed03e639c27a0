"""The sound room: decoding, the spectrogram picture, feature vectors."""
