"""Speak to one server over HTTP, with a token that does not leak and patience that ends.

Not here: what the answers mean.
"""
