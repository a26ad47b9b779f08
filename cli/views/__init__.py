"""What commands ask the API for, and how people read the answers."""
