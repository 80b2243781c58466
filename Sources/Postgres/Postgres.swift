// The typed async layer over libpq.
