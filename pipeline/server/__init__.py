"""``dockcycle serve``: deliveries in, runs of the same pipeline out, and a page to look at.

``config`` and ``loading`` read serve.yml; ``web`` has the routes; ``inbox`` takes deliveries in,
``queue`` keeps them, ``worker`` carries them out, ``reports`` tells the sender how it went.
Nothing here is imported by another command: the web framework is loaded by ``serve`` alone.
"""
