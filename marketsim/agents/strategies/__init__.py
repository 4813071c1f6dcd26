"""One file a strategy that comes with the product; `marketsim.agents.strategy` has the interface, `library` the loader."""
