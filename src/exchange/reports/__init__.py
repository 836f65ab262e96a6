"""Pages out: facts become the indicator summary, the improvement plan and the printed agreement."""
