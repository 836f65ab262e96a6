"""The practice's own files in: PM304, GDS801, tables by a mapping, FHIR."""
