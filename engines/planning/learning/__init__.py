"""What is learned for planning, and what it is compared with."""
