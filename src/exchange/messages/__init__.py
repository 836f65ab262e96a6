"""FHIR R4 messages: built from facts, walked before they leave, checked and read when they come in."""
