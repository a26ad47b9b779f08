"""All Cypher of Supastate: one file per concern, each a constant and the function that runs it."""
