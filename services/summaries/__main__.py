"""Runs the summaries worker: `python -m services.summaries`."""

from services.summaries.app import create_app
from shared.runtime import main

main(create_app)
