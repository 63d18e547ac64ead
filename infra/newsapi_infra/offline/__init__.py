"""What can be known without Azure: the declared graph, and its export as an ARM template."""
