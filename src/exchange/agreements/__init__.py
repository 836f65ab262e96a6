"""Agreements: text, check, signatures and life, and the gate that asks them about every message."""
