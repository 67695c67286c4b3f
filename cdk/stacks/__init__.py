"""The stacks, each a readable wiring diagram."""
