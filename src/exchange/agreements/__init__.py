"""Agreements: their text, their check, their signatures, their life, and the gate that asks them about every message."""
