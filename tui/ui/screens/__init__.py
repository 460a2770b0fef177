"""The screens that own conversations and knobs."""
