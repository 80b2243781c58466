// The library that agents import.
