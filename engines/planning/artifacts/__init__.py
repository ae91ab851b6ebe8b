"""What people take away from a plan: a picture, a table, a calendar and a diagram."""
