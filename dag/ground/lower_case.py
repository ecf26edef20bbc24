"""Text in lower case, for searching without regard to case."""


def lower(text: str) -> str:
    """The text in lower case, character by character: offsets stay the same.

    >>> lower("İSTANBUL ß")
    'istanbul ß'
    """
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return text.replace("\u0130", "i").lower()  # İ, the one character that becomes two
