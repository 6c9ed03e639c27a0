"""The commands, one file each: options in, one engine call, output out."""
