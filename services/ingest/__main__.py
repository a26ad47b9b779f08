"""Runs the ingest worker: `python -m services.ingest`."""

from services.ingest.app import create_app
from shared.runtime import main

main(create_app)
