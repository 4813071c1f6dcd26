"""What a trader does to a simulated market: the same market with and without it, on common random numbers."""
