"""What is worth telling an operator, when, and whom: rules, conditions, incidents."""
