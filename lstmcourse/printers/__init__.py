"""From a graph to a language: a NumPy program, a compiled one, LaTeX, plain text, a diagram.

`expression` is the walk that all of them share for equations, with plain text; `base` is what the two
printers of programs share, `numpy` and `compiled`; `latex` prints equations, which `html` sets for a page;
`layout` gives the parts of a picture their places, and `svg` draws them.
"""
