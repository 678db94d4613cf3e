"""An engine in memory, for tests of everything that is built on one. See ``fake_engine``."""
