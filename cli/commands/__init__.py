"""One file for each group of commands: what they accept, and which part of `cli` does the work.

They import that part when they run, so that `supastate --help` answers at once.
"""
