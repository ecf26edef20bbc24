"""A text in lower case, for finding places in it whatever their case is."""


def lower(text: str) -> str:
    """The text in lower case, character by character: each keeps its place.

    >>> lower("İSTANBUL ß")
    'istanbul ß'
    """
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return text.replace("\u0130", "i").lower()  # İ, the one character that becomes two
