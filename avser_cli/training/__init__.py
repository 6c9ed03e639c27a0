"""Training: augmentation, batches, the trainer, checkpoints, export to a bundle."""
