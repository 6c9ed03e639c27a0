"""Data: labelled clips, emotions, splits and leak checks, data sets."""
