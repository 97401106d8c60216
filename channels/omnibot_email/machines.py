"""Mail that no person wrote to us: who must not be answered, and what only staff may see."""

from __future__ import annotations

import re

from omnibot_email.mime import Headers

# Local parts under which services write and nobody reads.
_UNATTENDED = re.compile(
    r"(?:no|do[._-]?not|never)[._-]?repl(?:y|ies)|no[._-]?responder|ne[._-]?pas[._-]?repondre|nicht[._-]?antworten"
    r"|(?:notif(?:y|ication|ications)|accounts?|account[._-]?security|security|verif(?:y|ication)|signup|welcome"
    r"|registration|auth|login|mailer|automated|system|alerts?)(?:[._+-].*)?$",
    re.IGNORECASE,
)
# What such mail calls its code or link.
_CODE = re.compile(
    r"(?:verification|confirmation|security|access|login|log-in|sign-in|activation|one[- ]time|passcode|pass)"
    r"\s?(?:code|password|passcode|pin|link)\b|\botp\b|2fa code"
    r"|(?:confirm|verify|activate|validate) your (?:e-?mail|account|identity|address|registration|sign-?up)"
    r"|(?:bestätigungs|verifizierungs|sicherheits|anmelde|aktivierungs|einmal)-?(?:code|kennwort|passwort|link)"
    r"|bestätigen sie (?:ihre|ihr) (?:e-?mail|konto|anmeldung|registrierung)"
    r"|código de (?:verificación|confirmación|seguridad|acceso|activación)"
    r"|(?:confirma|verifica|activa) tu (?:cuenta|correo|dirección|registro)"
    r"|code de (?:vérification|confirmation|sécurité|connexion)"
    r"|(?:confirmez|vérifiez|activez) votre (?:adresse|compte|e-?mail|inscription)",
    re.IGNORECASE,
)
_SECRET = re.compile(r"(?<![\w#€$£.,-])(?:\d[ -]?){3,9}\d(?![\w%€$£])|https?://\S")
# In X-Auto-Response-Suppress; DR, NDR, RN and NRN are about reports, which people's programs ask not to get, too.
_NO_ANSWER = ("all", "oof", "autoreply")
_LOOKED_AT = 5000  # characters: such mail is short


def automatic_reason(headers: Headers, return_path: str | None) -> str:
    """Why a machine must have written this, in the order of how sure that is; '' where nothing says so.

    RFC 3834 (Auto-Submitted, null return path), RFC 2369 and 2919 (List-*), and Microsoft's [MS-OXCMAIL].
    """
    if headers.get("content-type").casefold().startswith("multipart/report"):
        return "report"
    paths = [*headers.all("return-path"), *([] if return_path is None else [return_path])]
    if any(path.strip("<> ") == "" for path in paths):
        return "null return path"
    submitted = headers.get("auto-submitted").partition(";")[0].strip().casefold()
    if submitted not in ("", "no"):
        return "auto-submitted"
    if any(name.startswith("list-") for name, _ in headers.fields):
        return "mailing list"
    if headers.get("precedence").casefold() in ("bulk", "list", "junk"):
        return "bulk"
    suppressed = headers.get("x-auto-response-suppress").casefold().split(",")
    if any(kind.strip() in _NO_ANSWER for kind in suppressed):
        return "wants no automatic answer"
    return ""


def is_foreign_code(sender: str, subject: str, text: str) -> bool:
    """Whether another service sends a code or link here, with which an account can be opened or taken over.

    Anybody can sign up elsewhere with our address and have the code sent to us; shown to a customer it would let
    them act as the company. All three must be there: an unattended sender, the words for a code, and a code or link.
    """
    said = f"{subject}\n{text[:_LOOKED_AT]}"
    local = sender.rpartition("@")[0]
    return bool(_UNATTENDED.match(local) and _CODE.search(said) and _SECRET.search(said))
