"""The store: tables, column types, journal, audit chain, migrations."""
