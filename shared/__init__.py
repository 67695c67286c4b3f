"""What every Reviewlens function shares: contracts, storage, database, model runtime, index."""
