"""What keeps something: database, storage account, vault, registry."""
