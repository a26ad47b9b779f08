"""`supastate demo`: the whole system on real input, from start to finish."""
