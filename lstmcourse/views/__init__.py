"""What one sees of a cell: LaTeX, diagrams, differences, figures."""
