"""What Omnibot costs and what it keeps: `make bench CHANNEL=… MODE=…` (docs/bench.md)."""
