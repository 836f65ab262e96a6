"""Keys, key cards, signatures over canonical JSON, and pseudonyms."""
