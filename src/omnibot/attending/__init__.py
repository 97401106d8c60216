"""People's side of the server: hand-offs become threads at a desk, and what agents do there comes in."""
