"""Invented data for the demo and the tests: a practice, its partners and clients, none of whom exist."""
