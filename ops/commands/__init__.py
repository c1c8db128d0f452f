"""The commands of operators, a file each."""
