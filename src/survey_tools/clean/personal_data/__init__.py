"""Split personal data off the rows, find them in texts, and say how well people are hidden."""
