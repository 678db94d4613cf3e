"""Speed, as ratios to the shell script that a user would otherwise have: ``make bench``."""
