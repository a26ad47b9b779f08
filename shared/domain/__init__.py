"""Supastate's rules. Pure: no driver, no network, no clock, no files."""
