"""What is kept: the truth in SQL, artifacts on disk, secrets encrypted."""
