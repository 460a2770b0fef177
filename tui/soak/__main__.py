"""`python -m tui.soak JOURNEY`: one journey in a process of its own, which can be killed."""

from tui.soak.journey import main

if __name__ == "__main__":
    main()
