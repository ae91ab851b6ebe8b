"""What is known of people's work at one point of a history: exact counters, updated per task."""
