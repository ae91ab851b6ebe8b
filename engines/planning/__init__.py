"""Planning: who does what and when, how long it takes, and how sure that is."""
