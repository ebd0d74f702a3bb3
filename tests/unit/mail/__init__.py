"""E-mail, and nothing of incidents; a package, so that its modules may bear the names of others'."""
