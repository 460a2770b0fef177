"""Constraints: schemas, regular expressions, choices and grammars."""
