"""What a user can ask for, one module per command group; owns the workspace and the transactions."""
