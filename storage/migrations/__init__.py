"""How the schema came to be what `storage.tables` declares, one step a file in `versions/`."""
