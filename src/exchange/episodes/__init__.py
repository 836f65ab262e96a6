"""How claims and an EPD's rows become episodes and sessions, and which evaluation moments are due."""
