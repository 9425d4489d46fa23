"""From a graph to a language: a generated NumPy program, LaTeX, plain text, a diagram.

`expression` is the walk that all of them share for equations, with plain text; `numpy` prints programs,
`latex` equations, which `html` sets for a page; `layout` gives the parts of a picture their places, and
`svg` draws them.
"""
