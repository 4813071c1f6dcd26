"""The checks behind `marketsim.validate`: Great Expectations suites over bars, series and symbols, and what becomes of their results."""
