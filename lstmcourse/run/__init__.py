"""Running a cell: arguments, recipe, runs, gradients, costs. `unroll.unroll` is the door."""
