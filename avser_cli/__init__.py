"""avser: hears emotion in recorded speech through spectrogram pictures and a 2-D CNN."""

__version__ = "0.1.0"
