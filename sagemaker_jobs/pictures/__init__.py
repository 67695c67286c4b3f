"""The picture tower: pictures in the vector space of the review encoder."""
