"""What the spans of a trace say together. Pure."""
