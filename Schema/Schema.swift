// The numbered SQL of both schemas.
