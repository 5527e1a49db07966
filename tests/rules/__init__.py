"""The proofs: each failure of the catalogue brought back into a rendered service, in disguise, and look-alikes."""
