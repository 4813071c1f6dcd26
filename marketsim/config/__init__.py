"""A run as data: what a YAML file may say, how it is read, and what is refused."""
