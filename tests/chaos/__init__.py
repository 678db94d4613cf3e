"""What users notice of releases and of accidents, counted: ``make chaos``."""
