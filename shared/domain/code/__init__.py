"""One file per language that is parsed, and what they have in common."""
