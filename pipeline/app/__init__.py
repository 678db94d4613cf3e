"""The one place that wires: pipeline file, store, adapters, planner, runner, renderers."""
