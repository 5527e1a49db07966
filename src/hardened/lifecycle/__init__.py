"""Git, rendering, merging, update, adopt, fleet."""
