"""Rules that several stages and commands share, over ports and evidence only."""
