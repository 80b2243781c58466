// Makes a small fleet of legacy agents, for the demo and for tests.
