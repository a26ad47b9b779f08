"""What the HTTP interface costs beside the transaction that it is about."""
