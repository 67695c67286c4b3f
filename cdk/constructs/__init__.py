"""Small pieces that the stacks are wired of."""
