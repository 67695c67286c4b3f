"""AWS on one machine: moto's server on loopback, with S3 written through to the state folder."""
