"""Training and measuring the activity model, and answering for lines of memories."""
