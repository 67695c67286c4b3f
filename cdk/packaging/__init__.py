"""What each function and job ships: the table, its files, zips and images."""
