"""Who acts, and what each of them may do."""
