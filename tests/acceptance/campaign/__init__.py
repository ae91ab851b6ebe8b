"""What the campaigns share: processes that are killed, platforms in bad weather, and the count."""
