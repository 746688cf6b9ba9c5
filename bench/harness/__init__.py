"""The machinery of a comparison: environment, child processes, alternation, numbers, printing."""
