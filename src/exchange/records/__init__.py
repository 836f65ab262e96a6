"""The words everything is about, their codes, the one list of data elements, and the BSN detector."""
