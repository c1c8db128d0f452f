"""What tests stand on: the world, its words, and counterparts of vendors."""
