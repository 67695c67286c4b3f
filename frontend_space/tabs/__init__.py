"""The tabs of the page: each builds its part and says what it answers."""
