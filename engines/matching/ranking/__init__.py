"""From evidence to an order of people: features, rankers and how sure they are."""
