"""Reads real input, sends it to the API in batches and reports what became of it."""
