"""Where the bytes of artifacts lie: on this machine's disk, or in an S3 bucket."""
