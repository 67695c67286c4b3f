"""The tabs of the page: each builds its part and draws its answers."""
