"""What cases are written with."""


ENGINES = {}  # by the path of their socket


class Skip(Exception):
    pass


def serial(case):
    """A case that must run alone, after all others."""
    case.serial = True
    return case


def equal(wanted, got):
    if wanted != got:
        raise AssertionError(f"got {got!r}, wanted {wanted!r}")
    return got


def true(condition, what):
    if not condition:
        raise AssertionError(what)


def refused(pattern, action):
    """The error of an action that must fail with a message that holds the pattern."""
    import re
    try:
        action()
    except Exception as error:  # noqa: of whatever layer
        if not re.search(pattern, str(error)):
            raise AssertionError(f"the message {str(error)!r} does not match {pattern!r}") from None
        return str(error)
    raise AssertionError(f"it succeeded; an error like {pattern!r} was expected")
