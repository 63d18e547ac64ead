"""GraphQL over the same questions as the REST API; imported only when it is served."""
