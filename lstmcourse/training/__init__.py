"""Models and what `fit` asks of one, losses, optimisers, checkpoints; and what is seen inside a run."""
