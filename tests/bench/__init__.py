"""How fast, how large, how heavy: measured as ratios in one run, for these machines are noisy. `make bench`."""
