"""The one exception that every floor may know: the world is broken just now."""


class Broken(Exception):
    """A full disk, a lock, a store that does not answer. Nothing was changed; try again."""
