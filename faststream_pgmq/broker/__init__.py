"""The broker and its router."""
