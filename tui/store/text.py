"""Text as the file can hold it."""


def writable(text: str) -> str:
    """The text with what UTF-8 cannot say replaced."""
    return text.encode("utf-8", "replace").decode()
