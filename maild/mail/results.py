"""Reading results of authentication (RFC 8601): does one that we believe say that From is genuine?"""

from typing import Any, Final

from authres import AuthenticationResultsHeader

from maild.mail.message import Standing

MAX_CHARACTERS: Final = 4_000


def standing_of(results: str, authserv_id: str, author: str) -> Standing:
    """Say whether an Authentication-Results field body vouches for an author's address.

    "" where it is not of this authserv-id, or cannot be read: it says nothing.
    """
    try:
        found = AuthenticationResultsHeader.parse(
            f"Authentication-Results: {results[:MAX_CHARACTERS]}"
        )
        if str(found.authserv_id).lower() != authserv_id.lower():
            return ""
        return _standing(list(found.results), author.lower().rpartition("@")[2])
    except Exception:
        # authres raises its own SyntaxError and more on what others write into the field.
        return ""


def _standing(results: list[Any], domain: str) -> Standing:
    """DMARC's own word counts; where the domain publishes nothing, an aligned DKIM or SPF does."""
    if not domain:
        return "fail"
    for one in results:
        if one.method == "dmarc" and one.result != "none":
            about = _domain(one, "from") or domain
            if about != domain:
                return "fail"
            return _word(one.result)
    aligned = [
        one.result
        for one in results
        if (one.method == "dkim" and _above(_domain(one, "d") or _domain(one, "i"), domain))
        or (one.method == "spf" and _above(_domain(one, "mailfrom"), domain))
    ]
    if "pass" in aligned:
        return "pass"
    return "trouble" if "temperror" in aligned else "fail"


def _word(result: str) -> Standing:
    return "pass" if result == "pass" else "trouble" if result == "temperror" else "fail"


def _domain(result: Any, name: str) -> str:
    """Give the domain of a property such as header.from or smtp.mailfrom."""
    values = (str(p.value) for p in result.properties if str(p.name).lower() == name)
    return next(values, "").strip("<>\"' ").rpartition("@")[2].lower()


def _above(found: str, domain: str) -> bool:
    """Whether a domain is the author's, or one that the author's is a part of."""
    return bool(found) and "." in found and f".{domain}".endswith(f".{found}")
