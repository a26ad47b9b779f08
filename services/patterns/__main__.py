"""Runs the patterns worker: `python -m services.patterns`."""

from services.patterns.app import create_app
from shared.runtime import main

main(create_app)
