"""What must hold on every implementation of a part: here, on both databases."""
