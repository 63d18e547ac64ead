"""What a stack costs: the estimate from the price table, and the budget."""
