"""Sealed files: age for confidentiality, tar for contents, a signed manifest for authenticity; and the keystore."""
