"""What Omnibot costs and what it keeps: `make bench`, and `make bench MODE=dup|flaky|race|kill` (docs/bench.md)."""
