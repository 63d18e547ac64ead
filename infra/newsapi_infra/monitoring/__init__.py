"""What is seen of a stack, who is told, and the agreement about log lines."""
