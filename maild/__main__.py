"""`python -m maild` and the console script."""

from maild.cli import main

if __name__ == "__main__":
    main()
