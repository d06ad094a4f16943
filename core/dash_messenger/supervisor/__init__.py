"""The parent process of a server: it restarts what hangs or dies. Standard library only."""
