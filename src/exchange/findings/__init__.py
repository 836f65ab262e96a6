"""What a check found and what a gate decided, as values, and the wording of every message in Dutch and English."""

from exchange.findings.decision import Decision, Premise
from exchange.findings.finding import Finding, Severity
from exchange.findings.wording import say

__all__ = ["Decision", "Finding", "Premise", "Severity", "say"]
