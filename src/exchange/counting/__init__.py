"""A definition becomes one query on an engine, and the query an integer cube."""
