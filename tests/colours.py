"""What the tests of colours share."""


def levels(colour):
    """The three parts of ``#rrggbb``, 0 to 1."""
    return [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]


def mixed(above, below, opacity):
    """The colour that a half transparent one gives over another."""
    pairs = zip(levels(above), levels(below), strict=True)
    return "#" + "".join(f"{round(255 * (opacity * a + (1 - opacity) * b)):02x}" for a, b in pairs)


def contrast(a, b):
    """WCAG 2 contrast of two colours."""
    found = []
    for colour in (a, b):
        r, g, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in levels(colour))
        found.append(0.2126 * r + 0.7152 * g + 0.0722 * blue)
    return (max(found) + 0.05) / (min(found) + 0.05)
