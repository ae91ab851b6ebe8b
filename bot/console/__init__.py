"""The console face: threads kept in SQL, read over `/api/v1` by the CLI, the web and clients."""
