"""Audio: finding, opening and decoding files; speech detection."""
