"""`python -m photoenhance`."""

from photoenhance.cli.app import main

if __name__ == "__main__":
    raise SystemExit(main())
