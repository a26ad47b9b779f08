"""What browser tests look at: each module has `seed(world)`, and is found by being here."""
