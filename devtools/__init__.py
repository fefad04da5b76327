"""What dev.py is made of, one subject a file. Standard library only: it runs before anything is installed."""
