"""Laws that hold for all inputs, as Hypothesis tests."""
