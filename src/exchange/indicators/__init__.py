"""Definitions, needed elements, the oracle, statistics, disclosure, Measure and MeasureReport."""
