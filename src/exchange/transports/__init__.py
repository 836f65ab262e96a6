"""Bring a sealed file to where the partner picks it up: a folder, which may be a mounted share."""
