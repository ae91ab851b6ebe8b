"""GitHub: a GitHub App that hears comments and answers in one comment and one check run."""
