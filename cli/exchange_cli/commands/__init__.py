"""One module per command group: it parses, calls one operation, prints."""
