"""The corpus room: emotions, file names, an index of labelled clips, splits and leaks."""
