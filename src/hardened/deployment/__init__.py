"""Facts from compose files, Dockerfiles, manifests and Procfiles."""
