"""Attacks by accounts within their rights, and what the people beside them notice: nothing.

Each attack uses public interfaces only. Meanwhile a pair of neighbours exchanges 500 messages,
which must arrive complete, in order and in time (`tests.attacks.timed_pair`). The attacks share
servers and run at a size that fits a check of a change;
``python3 dev.py test tests/attacks --full-scale`` runs them at full size.
"""
