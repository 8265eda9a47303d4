"""Is this machine fit to run a radio? `gather` looks, `checks` judges what was seen."""
