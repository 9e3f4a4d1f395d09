"""Verify a run: its notebooks executed again, its pages rendered again, both held to what was delivered."""
