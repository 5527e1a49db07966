"""Tables of the ecosystem, without logic."""
