"""What somahub promises in figures, measured in one run beside what else a person could use: ``make bench``."""
